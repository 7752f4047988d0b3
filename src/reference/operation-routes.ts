import * as z from "zod";
import { Taken } from "../protocol/answers.ts";
import { OccupiedPage, OccupiedQuery, Stats } from "../protocol/directory.ts";
import { DeadLetterPage, LetterQuery } from "../protocol/events.ts";
import { Cleaned, CleanupQuery, Health, HealthAnswer } from "../protocol/maintenance.ts";
import type { Route } from "./route.ts";
import { AT, CLEANED, DIRECT, FAILING, LETTER_ID, METRICS, STATS, WELL } from "./samples.ts";

const tag = "Operation";

/** Any JSON object: a document is described by its own specification. */
export const Document = z.record(z.string(), z.unknown());

const UNCHANGED = { 304: { words: "As it was: the client has it (`If-None-Match`)." } };

const letter = {
  id: LETTER_ID,
  type: "direct.expired",
  at: AT,
  attempts: 58,
  lastError: "status 503",
  data: { user: "ann", ...DIRECT },
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
    about:
      "Text of Prometheus 0.0.4, or of OpenMetrics 1.0 where `Accept` names it and likes the other no better.",
    who: { key: ["read", "ops"] },
    answers: {
      200: {
        words: "Metrics, as `Accept` asks for them.",
        types: ["text/plain", "application/openmetrics-text"],
        example: METRICS,
      },
    },
  },
  {
    method: "GET",
    path: "/healthz",
    id: "readHealth",
    tag,
    summary: "Alive and well configured",
    about:
      "Who presents nothing learns that the settings are good; no object is touched. A key is told of every part; a " +
      "wrong one is 401 and never 200.",
    who: { isOpen: true, key: ["read", "ops"] },
    answers: {
      200: {
        words: "Well.",
        schema: HealthAnswer,
        examples: { anyone: { status: "ok" }, key: WELL },
      },
      503: { words: "To a key: a check fails.", schema: Health, example: FAILING },
    },
  },
  {
    method: "GET",
    path: "/v1/dead-letters",
    id: "listDeadLetters",
    tag,
    summary: "Events that no webhook took",
    about:
      "The oldest first. They belong to the address that `WEBHOOK_URL` is now; without one there are none. " +
      "10,000 are kept, then the oldest go.",
    who: { key: ["ops"] },
    query: [LetterQuery],
    answers: { 200: { words: "One page.", schema: DeadLetterPage, example: { letters: [letter] } } },
  },
  {
    method: "POST",
    path: "/v1/dead-letters/:id/replay",
    id: "replayDeadLetter",
    tag,
    summary: "Send one again, under its old id",
    about: "With the header `Rollcall-Redriven: true`. After a 410 it also opens the target again.",
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
    about:
      "Asks everybody who is listed. After 20 s it stops with `more`: go on with its `cursor`. It may be repeated, " +
      "also while one runs.",
    who: { key: ["manage", "ops"] },
    query: [CleanupQuery],
    answers: {
      200: {
        words: "How many of each were over, and are removed.",
        schema: Cleaned,
        example: CLEANED,
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
