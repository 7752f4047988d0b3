import { unstable_readConfig } from "wrangler";
import * as z from "zod";

const Migration = z.object({
  tag: z.string(),
  new_classes: z.array(z.string()).optional(),
  new_sqlite_classes: z.array(z.string()).optional(),
  renamed_classes: z.array(z.object({ from: z.string(), to: z.string() })).optional(),
  deleted_classes: z.array(z.string()).optional(),
  transferred_classes: z.array(z.object({ to: z.string() })).optional(),
});
export type Migration = z.infer<typeof Migration>;

/** Of a wrangler.toml what is checked before a deployment, with everything that an environment inherits. */
const Configuration = z.object({
  name: z.string(),
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()).default([]),
  vars: z.record(z.string(), z.unknown()).default({}),
  durable_objects: z.object({
    bindings: z.array(
      z.object({ name: z.string(), class_name: z.string(), script_name: z.string().optional() }),
    ),
  }),
  migrations: z.array(Migration).default([]),
  assets: z
    .object({
      binding: z.string().optional(),
      run_worker_first: z.union([z.boolean(), z.array(z.string())]).optional(),
    })
    .optional(),
  queues: z
    .object({
      producers: z.array(z.object({ binding: z.string(), queue: z.string() })).default([]),
      consumers: z
        .array(
          z.object({
            queue: z.string(),
            dead_letter_queue: z.string().optional(),
            retry_delay: z.number().optional(),
          }),
        )
        .default([]),
    })
    .default({ producers: [], consumers: [] }),
  observability: z.object({ enabled: z.boolean().optional() }).optional(),
});
export type Configuration = z.infer<typeof Configuration>;

/**
 * The configuration as wrangler itself reads it, of the named environment where one is named. Throws what wrangler
 * throws where it can't be read.
 */
export function readConfiguration(path: string, environment?: string): Configuration {
  const named = environment === undefined ? {} : { env: environment };
  return Configuration.parse(unstable_readConfig({ config: path, ...named }, { hideWarnings: true }));
}
