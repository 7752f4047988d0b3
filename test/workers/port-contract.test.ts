import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { ConnectRequest } from "../../src/objects/ports.ts";
import { connectTo } from "../../src/objects/stubs.ts";
import type { PortHarness, ProbeClient } from "../fixtures/platform.ts";
import { portContract } from "../fixtures/port-contract.ts";
import type { ProbeObject } from "./probe-object.ts";

portContract("workerd", workerdHarness);

/** The ports as the Worker's shell makes them, in the runtime that runs it. */
function workerdHarness(): PortHarness {
  const stubOf = (name: string) => (env as Env).USER.getByName(name);

  return {
    within: (name, work) =>
      runInDurableObject(stubOf(name), (object: ProbeObject) => work(object.shell.keeper.ports)),

    connect: async (name) => {
      const claims = { sub: name, exp: Date.now() / 1000 + 3600 };
      const request: ConnectRequest = { user: name, device: { type: "web" }, transport: "websocket", claims };
      const response = await connectTo(stubOf(name), request);
      if (response.webSocket === null) throw new Error("the probe did not accept");
      return clientOf(response.webSocket);
    },

    // Only what runs can be put to sleep, so to ask is to put it to sleep: nothing durable changes.
    isAwake: (name) =>
      evictDurableObject(stubOf(name)).then(
        () => true,
        () => false,
      ),

    evict: (name) => evictDurableObject(stubOf(name)),

    crash: () => abortAllDurableObjects(),

    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

function clientOf(webSocket: WebSocket): ProbeClient {
  const received: string[] = [];
  let ended: ProbeClient["ended"] = null;
  webSocket.addEventListener("message", ({ data }) => void received.push(String(data)));
  webSocket.addEventListener("close", ({ code, reason }) => {
    ended ??= { code, reason };
  });
  webSocket.accept();
  return {
    received,
    get ended() {
      return ended;
    },
    send: (text) => webSocket.send(text),
    close: (code, reason) => webSocket.close(code, reason),
  };
}
