import type { Schema } from "./json-schema.ts";

type Json = Record<string, unknown>;

/** What one route does. */
export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  security: Record<string, string[]>[];
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, Content> };
  responses: Record<string, Reply>;
}

/** Something of the address or the headers. */
export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: Schema;
  example?: unknown;
}

/** A body of one media type. */
export interface Content {
  schema?: Schema | { anyOf: { $ref: string }[] };
  example?: unknown;
  examples?: Record<string, { value?: unknown; $ref?: string }>;
}

/** What comes back with one status. */
export interface Reply {
  description: string;
  headers?: Json;
  content?: Record<string, Content>;
}

/** An OpenAPI 3.1 document, as far as we read it. */
export interface OpenApi {
  openapi: string;
  info: { title: string; version: string; description: string; license: Json };
  servers: { url: string; description: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: Json & { schemas: Record<string, Schema>; examples: Record<string, { value: unknown }> };
}
