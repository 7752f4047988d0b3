import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import type { ChannelPort, Keeper, UserPort, Woken } from "../../src/objects/ports.ts";
import type { RelayPort } from "../../src/objects/relaying.ts";
import type { Planned } from "./scheduler.ts";
import type { ServerSocket } from "./server-socket.ts";
import { SocketView } from "./socket-view.ts";

/** One life of an object in memory, from wake-up to eviction or crash. What is pending in it dies with it. */
export class Instance {
  isAlive = true;
  /** Set as soon as the constructor is through. */
  core: (Keeper & (UserPort | ChannelPort | RelayPort)) | (Woken & DirectoryPort) | undefined;
  /** What this turn sends, in order: it leaves when the turn's writes are durable. Null between turns. */
  outputs: (() => void)[] | null = null;
  /** Answers that have not left yet, and how the other side learns of a crash instead. */
  readonly owed = new Map<object, () => void>();
  readonly timers = new Set<Planned>();
  handlers = 0;
  background = 0;
  /** Calls to others without an answer yet. */
  calls = 0;
  readonly #views = new Map<ServerSocket, SocketView>();

  /** The same where it keeps sockets. */
  get keeper(): Keeper | undefined {
    return this.core !== undefined && "connect" in this.core ? this.core : undefined;
  }

  /** Nothing is pending: only now may the platform let it sleep. */
  get maySleep(): boolean {
    const { owed, timers, handlers, background, calls } = this;
    return owed.size === 0 && timers.size === 0 && handlers === 0 && background === 0 && calls === 0;
  }

  view(socket: ServerSocket): SocketView {
    const known = this.#views.get(socket);
    if (known !== undefined) return known;
    const view = new SocketView(this, socket);
    this.#views.set(socket, view);
    return view;
  }

  forget(socket: ServerSocket): void {
    this.#views.delete(socket);
  }

  /** Everything that leaves the object passes here; it leaves unless the turn crashes. */
  leave(output: () => void): void {
    if (this.outputs === null) throw new Error("an output outside of any turn of its object");
    this.outputs.push(output);
  }

  /** An answer that someone waits for; a crash before it has left is told by `broken`. */
  owe(to: object, broken: () => void): void {
    this.owed.set(to, broken);
  }

  answer(to: object, output: () => void): void {
    this.leave(() => {
      this.owed.delete(to);
      output();
    });
  }

  /** Runs one handler to its end, however many turns that takes. */
  handle<T>(work: () => Promise<T>, done: (result: T) => void, failed: (cause: unknown) => void): void {
    this.handlers++;
    // A handler that throws at once has rejected, like one that throws later.
    new Promise<T>((resolve) => resolve(work())).then(
      (result) => {
        this.handlers--;
        done(result);
      },
      (cause: unknown) => {
        this.handlers--;
        failed(cause);
      },
    );
  }
}
