import { expect, test } from "vitest";
import { Leg } from "../../src/directory/leg.ts";

const silent = () => new Promise<void>(() => {});
const turns = async (count = 10) => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

test("[BC4] who fails and who keeps silent holds up nobody, and both are missed", async () => {
  const told: string[] = [];
  const leg = new Leg(["a", "b", "c", "d", "e"], (user) => {
    told.push(user);
    if (user === "b") return Promise.reject(new Error("as the test asked"));
    return user === "c" ? silent() : Promise.resolve();
  });
  const walk = leg.walk(2);
  await turns(30);
  expect(told).toEqual(["a", "b", "c", "d", "e"]);
  leg.giveUp();
  const end = await walk;
  expect(end).toMatchObject({ cursor: "e", missed: ["b", "c"] });
  expect(String(end.cause)).toContain("as the test asked");
});

test("[BC5] a leg that is given up ends where it has come to, and begins with nobody else", async () => {
  const told: string[] = [];
  let answer: () => void = () => {};
  const leg = new Leg(["a", "b", "c", "d"], (user) => {
    told.push(user);
    return new Promise((resolve) => (answer = resolve));
  });
  const walk = leg.walk(2);
  await turns();
  leg.giveUp();
  expect(await walk).toEqual({ cursor: "b", missed: ["a", "b"], cause: undefined });
  answer();
  await turns();
  expect(told).toEqual(["a", "b"]);
});

test("[BC5] a leg without anybody ends at once", async () => {
  expect(await new Leg([], silent).walk(0)).toEqual({ cursor: "", missed: [], cause: undefined });
});
