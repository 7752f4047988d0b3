/*
 * What examples are made of. A test checks each against the schema of its place.
 */

export const AT = 1_795_256_983_809;
const EPOCH = "cHJWed1IZbMGwds45pdHpw";
const SESSION_ID = "yvoVLfa1c61Zm_ri18gwRw";

export const PUBLISHED = { id: `${EPOCH}-7`, channel: "lobby", epoch: EPOCH, offset: 7, at: AT };

export const MESSAGE = {
  id: `${EPOCH}-7`,
  channel: "lobby",
  offset: 7,
  event: "message",
  data: { text: "hi" },
  from: { user: "ann", session: SESSION_ID, device: "ann-laptop" },
  at: AT,
};

export const MESSAGE_PAGE = { epoch: EPOCH, offset: 7, messages: [MESSAGE] };

export const MEMBER = {
  user: "ann",
  info: { name: "Ann" },
  status: "online",
  sessions: 2,
  devices: ["web", "mobile"],
  joinedAt: AT,
};

export const DIRECT = {
  seq: 12,
  id: `${EPOCH}-12`,
  event: "invoice",
  data: { id: 7 },
  from: { user: "ben" },
  at: AT,
};

export const PRESENCE = {
  user: "ann",
  status: "busy",
  text: "In a meeting",
  expiresAt: AT + 3_600_000,
  lastActiveAt: AT,
  devices: ["web"],
  version: 41,
};

export const NEVER_SEEN = { user: "nobody", status: "offline", lastActiveAt: null, devices: [] };

export const SESSION = {
  id: SESSION_ID,
  user: "ann",
  device: { id: "ann-laptop", type: "web", name: "Firefox" },
  transport: "websocket",
  channel: "lobby",
  connectedAt: AT - 60_000,
  lastSeenAt: AT,
  region: "FRA",
};

export const WATCH = { user: "ben", expiresAt: AT + 3_600_000 };

export const SUBSCRIPTION = {
  channel: "lobby",
  epoch: EPOCH,
  offset: 7,
  recovered: true,
  messages: [MESSAGE],
  members: [MEMBER],
  count: 1,
};

export const WELCOME = {
  session: SESSION_ID,
  user: "ann",
  protocol: 1,
  heartbeat: { intervalSeconds: 25, timeoutSeconds: 60 },
  expiresAt: AT + 3_600_000,
  limits: {
    maxFrameBytes: 65_536,
    maxDataBytes: 32_768,
    ratePerSecond: 50,
    rateBurst: 100,
    maxSubscriptions: 200,
    maxWatches: 1000,
  },
};

const PER_CAUSE = { call: 12, connect: 4, frame: 900, close: 4, alarm: 30 };

export const STATS = {
  usersOnline: 3,
  sessions: 4,
  channels: 2,
  costs: {
    since: AT - 86_400_000,
    user: {
      wakes: PER_CAUSE,
      events: PER_CAUSE,
      requests: 95,
      rowsWritten: 120,
      rowsRead: 800,
      alarms: 30,
    },
  },
};

export const LETTER_ID = "evt_2c1a9f4e07d35b86e1f0c4a7938bd562";

/** The beginning of what is much longer. */
export const METRICS = `# HELP rollcall_users_online Users online.
# TYPE rollcall_users_online gauge
rollcall_users_online 3
`;

const NONE = { entries: 0, sessions: 0, watches: 0, subscriptions: 0 };
const CHECKS = {
  object: { ok: true, ms: 12, detail: "read what was written 0 s ago" },
  queue: { ok: true, ms: 0, detail: "EVENT_QUEUE is bound" },
  directory: { ok: true, ms: 9, detail: "8 of 8 shards answered" },
  outbox: { ok: true, ms: 9, detail: "nothing was owed at the last look", ageMs: null },
  consistency: {
    ok: true,
    ms: 9,
    detail: "0 differences among 800 asked",
    ageMs: 1_200_000,
    asked: 800,
    unanswered: 0,
    differences: NONE,
    total: { ...NONE, watches: 2 },
  },
};

export const WELL = { status: "ok", checks: CHECKS };

export const FAILING = {
  status: "failing",
  checks: { ...CHECKS, queue: { ok: false, ms: 0, detail: "EVENT_QUEUE is not bound" } },
};

export const CLEANED = {
  sessions: 2,
  watches: 0,
  subscriptions: 0,
  messages: 31,
  presences: 1,
  asked: 1200,
  unanswered: 0,
  more: true,
  cursor: "OCA1IHVzZXIgYW5u",
};
