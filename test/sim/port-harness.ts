import type { Settings } from "../../src/config.ts";
import type { Ports } from "../../src/objects/ports.ts";
import type { PortHarness, ProbeClient } from "../fixtures/platform.ts";
import { Probe } from "../fixtures/probe.ts";
import type { Link } from "./link.ts";
import type { Cores } from "./nature.ts";
import { World } from "./world.ts";

/** Probes throw because a test asks them to. */
export class ProbeWorld extends World {
  constructor(seed: number, settings: Settings) {
    // A probe answers only those calls that the contract of the ports needs.
    const directory = Probe as unknown as Cores["directory"];
    const relay = Probe as unknown as Cores["relay"];
    super(seed, settings, { user: Probe, channel: Probe, relay, directory });
  }

  override thrown(): boolean {
    return false;
  }

  /** One event of a user object. Its promise is settled once time passes. */
  within<T>(name: string, work: (ports: Ports) => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.scheduler.after(1, () =>
        this.object("user", name).turn("a test looks in", (instance) => {
          const { core } = instance;
          if (!(core instanceof Probe)) throw new Error("no probe");
          instance.handle(async () => await work(core.ports), resolve, reject);
        }),
      );
    });
  }
}

/** The ports as the simulator makes them. */
export function simulatedHarness(settings: Settings): PortHarness {
  const world = new ProbeWorld(1, settings);

  return {
    within: (name, work) => world.until(world.within(name, work)),

    connect: async (name) => {
      const received: string[] = [];
      let ended: ProbeClient["ended"] = null;
      let isOpen = false;
      const device = { type: "web" } as const;
      const claims = { sub: name, exp: world.now / 1000 + 3600 };
      const peer = {
        opened: () => {
          isOpen = true;
        },
        refused: () => {},
        received: (text: string) => void received.push(text),
        closed: (code: number, reason: string) => {
          ended = { code, reason };
        },
      };
      const link: Link = world.connect(
        "user",
        name,
        { user: name, device, transport: "websocket", claims },
        peer,
      );
      await world.advance(200);
      if (!isOpen) throw new Error("the probe did not accept");
      return {
        received,
        get ended() {
          return ended;
        },
        send: (text) => link.send(text),
        close: (code, reason) => {
          link.close();
          ended ??= { code, reason };
        },
      };
    },

    isAwake: async (name) => world.object("user", name).isAwake,

    evict: async (name) => {
      if (!world.object("user", name).evict()) throw new Error("not asleep: something is pending");
    },

    crash: async () => world.deploy(),

    pass: (ms) => world.advance(ms),
  };
}
