import type { ConnectRequest, Socket } from "../../src/objects/ports.ts";
import { isRefusal } from "../../src/protocol/codes.ts";
import type { Instance } from "./instance.ts";
import type { Link, LinkEnd } from "./link.ts";
import type { Nature } from "./nature.ts";
import { plainCopy } from "./plain-copy.ts";
import type { ServerSocket } from "./server-socket.ts";
import type { SimulatedObject } from "./simulated-object.ts";

/** What a keeper answers who wants to connect; without a code it broke off. */
export type Answered =
  | { is: "accepted" }
  | { is: "refused"; code: string | undefined }
  | { is: "elsewhere"; relays: string[] };

/** What reaches an object from its clients: as the shell of the Worker hands it to a keeper. */
export class KeeperEvents implements LinkEnd {
  readonly object: SimulatedObject;
  readonly #nature: Nature;

  constructor(nature: Nature, object: SimulatedObject) {
    this.#nature = nature;
    this.object = object;
  }

  /** A connection that the Worker brings. `answered` comes once, with the rest of what that turn sends. */
  async upgrade(
    link: Link,
    request: ConnectRequest,
    name: string,
    answered: (answer: Answered) => void,
  ): Promise<void> {
    await this.object.turn(`connect of ${name}`, (instance) => {
      const { keeper } = instance;
      if (keeper === undefined) return;
      instance.owe(link, () => answered({ is: "refused", code: undefined }));
      instance.handle(
        () => keeper.connect(plainCopy(request), () => this.#accept(instance, link)),
        (answer) => {
          const said: Answered =
            answer === undefined
              ? { is: "accepted" }
              : isRefusal(answer)
                ? { is: "refused", code: answer.code }
                : { is: "elsewhere", relays: answer.relays };
          if ((said.is === "accepted") !== link.isAccepted)
            this.#nature.journal.fail(`${this.object} answered wrongly: ${said.is}`);
          instance.answer(link, () => answered(said));
        },
        (cause) => {
          this.#nature.thrown(`${this.object} threw on a connect`, cause);
          instance.answer(link, () => answered({ is: "refused", code: undefined }));
        },
      );
    });
  }

  async received(socket: ServerSocket, text: string, from: string): Promise<void> {
    await this.object.turn(`${from} sent ${text.slice(0, 60)}`, (instance) => {
      const { keeper } = instance;
      if (keeper === undefined || socket.state !== "open") return;
      const failed = (cause: unknown) => this.#nature.thrown(`${this.object} threw on a frame`, cause);
      instance.handle(
        () => keeper.received(instance.view(socket), text),
        () => {},
        failed,
      );
    });
  }

  async closed(socket: ServerSocket, how: string): Promise<void> {
    await this.object.turn(how, (instance) => {
      try {
        instance.keeper?.closed(instance.view(socket));
      } catch (cause) {
        this.#nature.thrown(`${this.object} threw on a close`, cause);
      }
      instance.forget(socket);
    });
    socket.state = "gone";
    this.object.sockets.delete(socket);
  }

  #accept(instance: Instance, link: Link): Socket {
    const socket = link.accept(this);
    this.object.sockets.add(socket);
    return instance.view(socket);
  }
}
