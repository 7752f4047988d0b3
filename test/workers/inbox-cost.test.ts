import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { until } from "./client.ts";
import { ack, close, connectAs, queued, sendTo, told } from "./inbox.ts";
import { Meter } from "./meter.ts";

const meterOf = (user: string) => Meter.on(env.USER.getByName(user));

/** A user with this device, whose inbox was used before: its alarms are set. */
async function used(user: string) {
  await sendTo(user, { data: "first", key: "first" });
  const client = await connectAs(user, "d");
  await told(client, 1);
  await ack(client, 1);
  expect(await queued(user)).toEqual([]);
  return client;
}

test("[CT24] a direct message writes one row, one more with a key, and none when its key is repeated", async () => {
  const client = await used("ct20");
  await sendTo("ct20", { data: "sets the alarm for what waits" });
  const plain = await meterOf("ct20");
  for (let i = 0; i < 10; i++) await sendTo("ct20", { data: i });
  plain.off();
  expect([plain.rows, plain.alarmsSet], plain.statements.join("\n")).toEqual([10, 0]);
  const keyed = await meterOf("ct20");
  for (let i = 0; i < 10; i++) await sendTo("ct20", { data: i, key: `k${i}` });
  keyed.off();
  expect([keyed.rows, keyed.alarmsSet], keyed.statements.join("\n")).toEqual([20, 0]);
  const repeated = await meterOf("ct20");
  for (let i = 0; i < 10; i++) await sendTo("ct20", { data: i, key: `k${i}` });
  repeated.off();
  expect([repeated.rows, repeated.alarmsSet]).toEqual([0, 0]);
  await told(client, 22);
  await close(client);
});

test("[CT25] an acknowledgement writes one row, of several in one frame the last, and a repeat none", async () => {
  const client = await used("ct21");
  const deletions = (meter: Meter) => meter.statements.filter((statement) => statement.startsWith("DELETE"));
  for (let i = 0; i < 20; i++) await sendTo("ct21", { data: i });
  await told(client, 21);
  const one = await meterOf("ct21");
  await ack(client, 11);
  one.off();
  // The cursor, and ten messages that nobody waits for any more, in one statement.
  expect([one.rows, one.statements.length, deletions(one).length]).toEqual([1 + 10, 2, 1]);
  const repeated = await meterOf("ct21");
  for (const seq of [11, 3, 11]) await ack(client, seq);
  repeated.off();
  expect([repeated.rows, repeated.alarmsSet]).toEqual([0, 0]);
  const several = await meterOf("ct21");
  client.send([12, 15, 13, 21].map((seq) => ({ type: "ack", seq })));
  await until(async () => (await queued("ct21")).length === 0);
  several.off();
  expect([several.rows, several.statements.length]).toEqual([1 + 10, 2]);
  await close(client);
});

test("[CT26] a device that connects again within a day writes nothing of it, and what was told stays unwritten", async () => {
  await close(await used("ct22"));
  for (let i = 0; i < 3; i++) await sendTo("ct22", { data: i });
  const meter = await meterOf("ct22");
  for (let i = 0; i < 2; i++) {
    const back = await connectAs("ct22", "d");
    await told(back, 3);
    await close(back);
  }
  meter.off();
  expect(meter.statements.filter((statement) => /inbox|device_cursor|publish_key/.test(statement))).toEqual(
    [],
  );
});

test("[CT27] signals to a user write nothing", async () => {
  const [ann, ben] = [await connectAs("ct23-ann"), await connectAs("ct23-ben")];
  const meter = await meterOf("ct23-ben");
  for (let i = 0; i < 5; i++) ann.send({ type: "signal", user: "ct23-ben", event: `e${i}` });
  await until(() => ben.ofType("signal").length === 5);
  ann.send({ type: "signal", user: "ct23-nobody", event: "typing", ref: 1 });
  await until(() => ann.ofType("ok").length === 1);
  meter.off();
  expect([meter.rows, meter.schemaRows, meter.alarmsSet]).toEqual([0, 0, 0]);
  await close(ann, ben);
});
