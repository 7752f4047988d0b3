import * as z from "zod";
import { IdempotencyKey, PublishBody } from "../protocol/bodies.ts";
import { parseJson, refusalOf } from "../protocol/codec.ts";
import { MAX_BODY_BYTES, MAX_WATCHED_PER_FRAME } from "../protocol/limits.ts";
import { ChannelName, Device, SessionId, UserId } from "../protocol/names.ts";
import type { AppContext } from "./context.ts";
import { Problem, problem } from "./problem.ts";

/** The channel in the path, decoded once. Throws `invalid_channel`. */
export function channelIn(context: AppContext): string {
  return (
    ChannelName.safeParse(context.req.param("channel")).data ?? raise("invalid_channel", "not a channel name")
  );
}

/** The user in the path, decoded once. Throws `invalid_user`. */
export function userIn(context: AppContext): string {
  return UserId.safeParse(context.req.param("user")).data ?? raise("invalid_user", "not a user id");
}

/** The watched user in the path. Throws `invalid_user`. */
export function targetIn(context: AppContext): string {
  return UserId.safeParse(context.req.param("target")).data ?? raise("invalid_user", "not a user id");
}

/** `watch=x,y` of a connect: some users, each once; undefined where none is named. Throws `invalid_user`. */
export function watchIn(context: AppContext): string[] | undefined {
  const text = context.req.query("watch");
  if (text === undefined) return undefined;
  const users = z
    .array(UserId)
    .min(1)
    .max(MAX_WATCHED_PER_FRAME)
    .safeParse([...new Set(text.split(","))]);
  return users.data ?? raise("invalid_user", `watch: 1 to ${MAX_WATCHED_PER_FRAME} user ids`);
}

/** `channels=a,b` of a connect: what it is subscribed to, each once; undefined where none is named. Throws `invalid_channel`. */
export function channelsIn(context: AppContext): string[] | undefined {
  const text = context.req.query("channels");
  if (text === undefined) return undefined;
  const { MAX_SUBSCRIPTIONS } = context.get("settings");
  const channels = z
    .array(ChannelName)
    .min(1)
    .max(MAX_SUBSCRIPTIONS)
    .safeParse([...new Set(text.split(","))]);
  return channels.data ?? raise("invalid_channel", `channels: 1 to ${MAX_SUBSCRIPTIONS} channel names`);
}

/** The session in the path. One that can't be a session's id is as little there as any other. */
export function sessionIn(context: AppContext): string {
  return SessionId.safeParse(context.req.param("session")).data ?? raise("not_found", "no such session");
}

/** `device_id`, `device_type` and `device_name` of a connect. Throws `bad_request`. */
export function deviceIn(context: AppContext): Device {
  const query = {
    id: context.req.query("device_id"),
    type: context.req.query("device_type"),
    name: context.req.query("device_name"),
  };
  const parsed = Device.safeParse(query);
  if (parsed.success) return parsed.data;
  const refused = refusalOf(parsed.error);
  const errors = refused.errors?.map(({ path, message }) => ({ path: `device_${path}`, message }));
  throw problem("bad_request", `device_${refused.message}`, errors);
}

/** Parts of a query that are numbers; all others are text, also where it looks like one. */
const NUMBERS: ReadonlySet<string> = new Set(["after", "before", "limit"]);

/** The query, checked. Throws `bad_request`. */
export function queryIn<S extends z.ZodType>(context: AppContext, schema: S): z.infer<S> {
  const entries = Object.entries(context.req.query());
  const query = entries.map(([name, text]) => [name, NUMBERS.has(name) && text !== "" ? Number(text) : text]);
  return checked(schema, Object.fromEntries(query));
}

/** The JSON body: size before reading on, valid UTF-8, depth, types. Throws `too_large`, `invalid_json`, `bad_request`. */
export async function bodyIn<S extends z.ZodType>(context: AppContext, schema: S): Promise<z.infer<S>> {
  return parsedBody(await textOf(context.req.raw), schema);
}

/** What to publish. Throws likewise. */
export function publishBodyIn(context: AppContext): Promise<PublishBody> {
  return keyedBodyIn(context, PublishBody);
}

/** A body with an idempotency key, which may stand in the header instead, or in both if they agree. */
export async function keyedBodyIn<B extends { key?: string | undefined }>(
  context: AppContext,
  schema: z.ZodType<B>,
): Promise<B> {
  const body = await bodyIn(context, schema);
  const header = context.req.header("Idempotency-Key");
  if (header === undefined) return body;
  const key = IdempotencyKey.safeParse(header);
  if (!key.success) throw wrongKey("1-64 characters");
  if (body.key !== undefined && body.key !== key.data) throw wrongKey("another one than `key` of the body");
  return { ...body, key: key.data };
}

/** The same where a body may be left out, which is then `{}`. */
export async function optionalBodyIn<S extends z.ZodType>(
  context: AppContext,
  schema: S,
): Promise<z.infer<S>> {
  const text = await textOf(context.req.raw);
  return text === "" ? checked(schema, {}) : parsedBody(text, schema);
}

function parsedBody<S extends z.ZodType>(text: string, schema: S): z.infer<S> {
  const parsed = parseJson(text);
  if ("refused" in parsed) throw new Problem(parsed.refused);
  return checked(schema, parsed.value);
}

function checked<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new Problem(refusalOf(result.error));
  return result.data;
}

/** Reads no further than the limit: the platform hands on no more than `Content-Length` says, where there is one. */
async function textOf(request: Request): Promise<string> {
  const length = request.headers.get("Content-Length");
  if (Number(length ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const bytes = length === null ? await atMostOf(request) : await request.bytes();
  if (bytes.byteLength > MAX_BODY_BYTES) throw tooLarge();
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw problem("invalid_json", "the body is not valid UTF-8");
  }
}

/** A body of unknown length. */
async function atMostOf(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function wrongKey(message: string): Problem {
  return problem("bad_request", `Idempotency-Key: ${message}`, [{ path: "Idempotency-Key", message }]);
}

function tooLarge(): Problem {
  return problem("too_large", `a body is at most ${MAX_BODY_BYTES} bytes`);
}

function raise(code: "invalid_channel" | "invalid_user" | "not_found", message: string): never {
  throw problem(code, message);
}
