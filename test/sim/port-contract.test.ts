import { settingsOf } from "../../src/config.ts";
import { portContract } from "../fixtures/port-contract.ts";
import { simulatedHarness } from "./port-harness.ts";

const settings = settingsOf({ JWT_SECRET: "a secret that only the simulator knows" });

portContract("the simulator", () => simulatedHarness(settings));
