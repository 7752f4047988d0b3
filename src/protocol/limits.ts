/** Bounds that the contract fixes; what an operator may set is in `config.ts`. */

/** JSON nested deeper is refused before it is parsed: structured clone fails on what `JSON.parse` survives. */
export const MAX_JSON_DEPTH = 32;
/** Messages in one frame of a client. The contract lets either side batch; this bounds the work of one frame. */
export const MAX_MESSAGES_PER_FRAME = 100;
/** So many entries of a page weigh as much as one message, in frames and over HTTP. */
export const ENTRIES_PER_MESSAGE = 20;
/** Users asked for or watched that weigh as much: each is a call to another object. Two full frames fit into the usual burst. */
export const USERS_PER_MESSAGE = 2;
/** A channel that a user begins weighs like so many of a key: it is a database and rows that stay, and users make few. */
export const NEW_CHANNEL_OF_USER = 10;
/** Refused messages in a row that end a connection with 4500. */
export const MAX_BAD_IN_A_ROW = 10;
export const MAX_CLAIMS_BYTES = 8192;
export const MAX_INFO_BYTES = 2048;
export const MAX_EVENT_CHARACTERS = 64;
export const MAX_KEY_CHARACTERS = 64;
/** A year: whoever means longer means for as long as the log keeps it, and says nothing. */
export const MAX_MESSAGE_TTL_SECONDS = 31_536_000;
/** A body of an HTTP request; larger is 413. One publish body of `MAX_DATA_BYTES` with its envelope fits well. */
export const MAX_BODY_BYTES = 256 * 1024;
/** First page of messages in `subscribed` and `welcome`, beside 64 KiB. */
export const FIRST_PAGE_ROWS = 100;
/** First page of members in `subscribed` and `welcome`. */
export const MEMBERS_PAGE = 100;
export const MAX_PAGE = 1000;
/** Direct messages sent to one session that it has not acknowledged. */
export const MAX_DIRECTS_IN_FLIGHT = 100;
/** Close reasons are at most this long (RFC 6455, section 5.5: 125 bytes less the code). */
export const MAX_CLOSE_REASON_BYTES = 123;
/** `iat` may lie this far ahead of our clock, and no further, whatever the leeway. */
export const MAX_ISSUED_AHEAD_SECONDS = 5;
/** How long a ticket is good for when nobody says, and at most: it stands in an address, so it ends up in logs. */
export const TICKET_SECONDS = 30;
export const MAX_TICKET_SECONDS = 300;
/** Status texts are for a line beside a name; an emoji may be a shortcode or a sequence of many code points. */
export const MAX_TEXT_CHARACTERS = 256;
export const MAX_EMOJI_CHARACTERS = 64;
/** A year: whoever means longer means for ever, and says nothing. */
export const MAX_STATUS_SECONDS = 31_536_000;
/** Users named in a `visibility`. */
export const MAX_LISTED_USERS = 1000;
/** Events named in one `subscribe`. */
export const MAX_EVENTS_PER_FILTER = 50;
/** Users named in one `watch` or `unwatch`. */
export const MAX_WATCHED_PER_FRAME = 100;
/** Operations of one batch, and users and channels that they may name together: a request may cause 10,000 calls. */
export const MAX_BATCHED = 100;
export const MAX_BATCHED_TARGETS = 2000;
/** What the answers of one batch may hold, in characters: a Worker has 128 MB for all that it does. */
export const MAX_BATCH_ANSWER = 8 * 1024 * 1024;
/** Of one message to many. */
export const MAX_MANY_USERS = 1000;
export const MAX_MANY_CHANNELS = 100;
/** After so long a broadcast is news to nobody: whoever has not answered by then is given up. */
export const MAX_BROADCAST_SECONDS = 600;
