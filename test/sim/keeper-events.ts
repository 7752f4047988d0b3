import type { ConnectRequest, Socket } from "../../src/objects/ports.ts";
import { isRefusal } from "../../src/protocol/codes.ts";
import type { Kind } from "./fault-table.ts";
import type { Instance } from "./instance.ts";
import { Link, type LinkEnd, type Peer } from "./link.ts";
import type { Nature } from "./nature.ts";
import { plainCopy } from "./plain-copy.ts";
import type { ServerSocket } from "./server-socket.ts";
import type { SimulatedObject } from "./simulated-object.ts";

/** What reaches an object from its clients: as the shell of the Worker hands it to a keeper. */
export class KeeperEvents implements LinkEnd {
  readonly #nature: Nature;
  readonly #object: SimulatedObject;

  constructor(nature: Nature, object: SimulatedObject) {
    this.#nature = nature;
    this.#object = object;
  }

  get kind(): Kind {
    return this.#object.kind;
  }

  /** A client asks for a connection; it notices the rest through `peer`. */
  connect(request: ConnectRequest, peer: Peer, name: string): Link {
    const link = new Link(this.#nature, this, peer, name);
    this.#nature.scheduler.after(link.latencyMs, () =>
      this.#object.turn(`connect of ${name}`, (instance) => this.#upgrade(instance, link, request)),
    );
    return link;
  }

  async received(socket: ServerSocket, text: string, from: string): Promise<void> {
    await this.#object.turn(`${from} sent ${text.slice(0, 60)}`, (instance) => {
      const { keeper } = instance;
      if (keeper === undefined || socket.state !== "open") return;
      const failed = (cause: unknown) => this.#nature.thrown(`${this.#object} threw on a frame`, cause);
      instance.handle(
        () => keeper.received(instance.view(socket), text),
        () => {},
        failed,
      );
    });
  }

  async closed(socket: ServerSocket, how: string): Promise<void> {
    await this.#object.turn(how, (instance) => {
      try {
        instance.keeper?.closed(instance.view(socket));
      } catch (cause) {
        this.#nature.thrown(`${this.#object} threw on a close`, cause);
      }
      instance.forget(socket);
    });
    socket.state = "gone";
    this.#object.sockets.delete(socket);
  }

  #upgrade(instance: Instance, link: Link, request: ConnectRequest): void {
    const { keeper } = instance;
    if (keeper === undefined) return;
    instance.owe(link, () => link.refuse(undefined));
    instance.handle(
      () => keeper.connect(plainCopy(request), () => this.#accept(instance, link)),
      (answer) => {
        const code = answer === undefined || isRefusal(answer) ? answer?.code : "unavailable";
        if ((code === undefined) !== link.isAccepted) {
          this.#nature.journal.fail(`${this.#object} answered ${code ?? "welcome"} wrongly`);
        }
        instance.answer(link, () => (code === undefined ? link.open() : link.refuse(code)));
      },
      (cause) => {
        this.#nature.thrown(`${this.#object} threw on a connect`, cause);
        instance.answer(link, () => link.refuse(undefined));
      },
    );
  }

  #accept(instance: Instance, link: Link): Socket {
    const socket = link.accept();
    this.#object.sockets.add(socket);
    return instance.view(socket);
  }
}
