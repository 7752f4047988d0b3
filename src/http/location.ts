import type { LocationHint } from "../objects/placement.ts";

/** West of this, in degrees, North America is nearer to its western than to its eastern data centers. */
const AMERICAS_SPLIT = -100;
/** Likewise Europe: about where Germany ends. */
const EUROPE_SPLIT = 15;

/** ISO 3166 codes of the Middle East, which the platform counts among Asia. */
const MIDDLE_EAST: ReadonlySet<string> = new Set(
  "AE BH CY IL IQ IR JO KW LB OM PS QA SA SY TR YE".split(" "),
);

/** What the platform says of where a request came from. */
export interface Whereabouts {
  continent?: unknown;
  country?: unknown;
  longitude?: unknown;
}

/** The region whose objects are near this client, as the platform's location hints name them; absent where nothing is known. */
export function hintOf({ continent, country, longitude }: Whereabouts): LocationHint | undefined {
  const degrees = typeof longitude === "string" && longitude !== "" ? Number(longitude) : Number.NaN;
  if (typeof country === "string" && MIDDLE_EAST.has(country)) return "me";
  switch (continent) {
    case "NA":
      return degrees < AMERICAS_SPLIT ? "wnam" : "enam";
    case "SA":
      return "sam";
    case "EU":
      return degrees > EUROPE_SPLIT ? "eeur" : "weur";
    case "AS":
      return "apac";
    case "OC":
      return "oc";
    case "AF":
      return "afr";
    default:
      return undefined;
  }
}
