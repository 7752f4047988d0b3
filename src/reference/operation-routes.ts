import * as z from "zod";
import { CleanupCounts, DeadLetterPage, Health, Taken } from "../protocol/answers.ts";
import { OccupiedPage, OccupiedQuery, OnlineQuery, Stats } from "../protocol/directory.ts";
import type { Route } from "./route.ts";
import { AT, DIRECT, STATS } from "./samples.ts";

const tag = "Operation";

/** Any JSON object: a document is described by its own specification. */
export const Document = z.record(z.string(), z.unknown());

const UNCHANGED = { 304: { words: "As it was: the client has it (`If-None-Match`)." } };

const letter = {
  id: "evt_5mJ3r0Qn2mXcV8bKQ1w2Zg",
  type: "direct.expired",
  at: AT,
  attempts: 24,
  lastError: "503",
  data: DIRECT,
};

/** Routes for whoever operates the service. */
export const OPERATION_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/channels",
    id: "listChannels",
    tag: "Directory",
    summary: "Occupied channels",
    about: "In an order of its own. A cursor is good until the number of shards changes: then it is 400.",
    who: { key: ["read"] },
    query: [OccupiedQuery],
    answers: {
      200: {
        words: "One page.",
        schema: OccupiedPage,
        example: { channels: [{ channel: "lobby", members: 15 }] },
      },
    },
  },
  {
    method: "GET",
    path: "/v1/stats",
    id: "readStats",
    tag,
    summary: "How much there is, and what it has cost",
    who: { key: ["read", "ops"] },
    answers: { 200: { words: "Counts.", schema: Stats, example: STATS } },
  },
  {
    method: "GET",
    path: "/metrics",
    id: "readMetrics",
    tag,
    summary: "The same and more, for Prometheus",
    who: { key: ["read", "ops"] },
    answers: {
      200: {
        words: "Metrics, as `Accept` asks for them.",
        types: ["text/plain", "application/openmetrics-text"],
        example: "# TYPE rollcall_users_online gauge\nrollcall_users_online 3\n",
      },
    },
  },
  {
    method: "GET",
    path: "/healthz",
    id: "readHealth",
    tag,
    summary: "Alive and well configured",
    about: "Touches no object. With a key it also has `checks` of every part.",
    who: { isOpen: true, key: ["read", "ops"] },
    answers: {
      200: { words: "Well.", schema: Health, example: { status: "ok" } },
      503: { words: "To a key: a check fails.", schema: Health, example: { status: "failing", checks: {} } },
    },
  },
  {
    method: "GET",
    path: "/v1/dead-letters",
    id: "listDeadLetters",
    tag,
    summary: "Events that no webhook took",
    who: { key: ["ops"] },
    query: [OnlineQuery],
    answers: { 200: { words: "One page.", schema: DeadLetterPage, example: { letters: [letter] } } },
  },
  {
    method: "POST",
    path: "/v1/dead-letters/:id/replay",
    id: "replayDeadLetter",
    tag,
    summary: "Send one again, under its old id",
    who: { key: ["ops"] },
    answers: { 202: { words: "On its way.", schema: Taken, example: {} } },
    codes: ["not_found"],
  },
  {
    method: "POST",
    path: "/v1/maintenance/cleanup",
    id: "cleanUp",
    tag,
    summary: "Run the periodic sweep now",
    who: { key: ["manage", "ops"] },
    answers: {
      200: {
        words: "How many of each were removed.",
        schema: CleanupCounts,
        example: { sessions: 2, watches: 0, messages: 31 },
      },
    },
  },
  {
    method: "GET",
    path: "/v1/openapi.json",
    id: "readOpenApi",
    tag,
    summary: "This document",
    who: {},
    answers: {
      200: { words: "OpenAPI 3.1.", schema: Document, example: { openapi: "3.1.1" } },
      ...UNCHANGED,
    },
  },
  {
    method: "GET",
    path: "/v1/asyncapi.json",
    id: "readAsyncApi",
    tag,
    summary: "The frames of connections, as an AsyncAPI document",
    who: {},
    answers: {
      200: { words: "AsyncAPI 3.0.", schema: Document, example: { asyncapi: "3.0.0" } },
      ...UNCHANGED,
    },
  },
  {
    method: "GET",
    path: "/docs",
    id: "readDocs",
    tag,
    summary: "Both documents as a page",
    who: {},
    answers: { 200: { words: "The page.", types: ["text/html"], example: "<!doctype html>" }, ...UNCHANGED },
  },
];
