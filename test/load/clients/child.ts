import { type ChildProcess, fork } from "node:child_process";
import { within } from "./clock.ts";
import type { Commands } from "./crowd-commands.ts";
import type { Flood, Flooded } from "./publisher-process.ts";

/** A child process of ours that answers one message at a time. It ends with us, whatever happens. */
class Child {
  readonly #process: ChildProcess;

  constructor(file: string) {
    this.#process = fork(new URL(file, import.meta.url), {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
  }

  async ask(what: string, message: object, ms: number): Promise<unknown> {
    const answered = Promise.withResolvers<unknown>();
    const ended = () => answered.reject(new Error("a child process ended"));
    const heard = (said: { failed?: string; answer?: unknown }) =>
      said.failed === undefined ? answered.resolve(said) : answered.reject(new Error(said.failed));
    this.#process.once("message", heard);
    this.#process.once("exit", ended);
    this.#process.send(message);
    try {
      return await within(ms, what, answered.promise);
    } finally {
      this.#process.off("message", heard);
      this.#process.off("exit", ended);
    }
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  end(): void {
    this.#process.kill("SIGKILL");
  }
}

/** Longer than anything that a crowd is told to do. */
const CROWD_PATIENCE_MS = 400_000;

/** A crowd of clients in a process of its own. */
export class Crowd {
  readonly #child = new Child("./crowd-process.ts");

  /** Carries out one command. Rejects with what went wrong over there. */
  async do<C extends keyof Commands>(
    command: C,
    ...[order]: Parameters<Commands[C]>
  ): Promise<Awaited<ReturnType<Commands[C]>>> {
    const said = (await this.#child.ask(
      `a crowd that should ${command}`,
      { command, order },
      CROWD_PATIENCE_MS,
    )) as { answer: unknown };
    return said.answer as Awaited<ReturnType<Commands[C]>>;
  }

  get pid(): number {
    return this.#child.pid;
  }

  end(): void {
    this.#child.end();
  }
}

/** Publishes as fast as answers come, from a process of its own. */
export class Publisher {
  readonly #child = new Child("./publisher-process.ts");

  async flood(flood: Flood): Promise<Flooded> {
    return ((await this.#child.ask("the publisher", flood, flood.ms + 60_000)) as { flooded: Flooded })
      .flooded;
  }

  end(): void {
    this.#child.end();
  }
}
