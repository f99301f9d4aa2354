import type { HttpMatch, TextMatch } from "../../../model/rules/http-route.ts";
import type { Located } from "../../../model/rules/located.ts";
import type { GlobalLimit, LocalLimit, TokenBucket } from "../../../model/rules/meta-router.ts";
import type { Shape } from "../schema.ts";
import { flag, headerMatches, listOf, text, whole } from "./istio-values.ts";
import { object } from "./shapes.ts";

const MAX_TOKENS = 2_147_483_647;
/** Most conditions of one service: each call asks them in turn. */
const MAX_CONDITIONS = 100;
/** Aeraki's time for an answer of the service. */
const DEFAULT_TIMEOUT_MS = 20;

const match = object({ attributes: { shape: headerMatches } });
const duration = (minMs: number): Shape => ({ type: "duration", minMs });

const tokenBucket = object({
  maxTokens: { shape: whole(1, MAX_TOKENS), required: true },
  tokensPerFill: { shape: whole(1, MAX_TOKENS) },
  // Envoy takes no shorter one.
  fillInterval: { shape: duration(50), as: "fillIntervalMs", required: true },
});

/** What `localRateLimit` must be. */
export const localRateLimit = object(
  {
    tokenBucket: { shape: tokenBucket },
    conditions: {
      shape: listOf(
        object({ match: { shape: match, required: true }, tokenBucket: { shape: tokenBucket, required: true } }),
      ),
    },
  },
  {
    into(value, { report }, path) {
      const conditions = (value.conditions ?? []) as readonly unknown[];
      if (value.tokenBucket === undefined && conditions.length === 0)
        report("TR0208", value.at.position, `${path} needs one of tokenBucket and conditions`);
      if (conditions.length > MAX_CONDITIONS)
        report(
          "TR0209",
          value.at.fields.conditions ?? value.at.position,
          `${path}.conditions are more than ${MAX_CONDITIONS}`,
        );
      return value;
    },
  },
);

/** What `globalRateLimit` must be. */
export const globalRateLimit = object({
  domain: { shape: text, required: true },
  match: { shape: match },
  rateLimitService: { shape: text, required: true },
  requestTimeout: { shape: duration(1), as: "timeoutMs" },
  denyOnFail: { shape: flag },
  descriptors: {
    shape: listOf(
      object({ property: { shape: text, required: true }, descriptorKey: { shape: text, required: true } }),
      1,
    ),
    required: true,
  },
});

/** A match by attributes as it is written. */
export type WrittenMatch = Located & { readonly attributes?: Readonly<Record<string, TextMatch>> };

/** Makes a match of what is written. */
type ReadMatch = (written: WrittenMatch) => HttpMatch;

interface WrittenBucket extends Located {
  readonly maxTokens: number;
  readonly tokensPerFill?: number;
  readonly fillIntervalMs: number;
}

/** `localRateLimit` as it is written. */
export interface WrittenLocal extends Located {
  readonly tokenBucket?: WrittenBucket;
  readonly conditions?: readonly (Located & { readonly match: WrittenMatch; readonly tokenBucket: WrittenBucket })[];
}

/** `globalRateLimit` as it is written. */
export interface WrittenGlobal extends Located, Pick<GlobalLimit, "domain" | "descriptors"> {
  readonly match?: WrittenMatch;
  readonly rateLimitService: string;
  readonly timeoutMs?: number;
  readonly denyOnFail?: boolean;
}

/** A local limit as the model has it. */
export function readLocal({ at, tokenBucket: own, conditions = [] }: WrittenLocal, readMatch: ReadMatch): LocalLimit {
  return {
    at,
    ...(own && { bucket: readBucket(own) }),
    conditions: conditions.map((one) => ({
      at: one.at,
      match: readMatch(one.match),
      bucket: readBucket(one.tokenBucket),
    })),
  };
}

/** A global limit as the model has it. */
export function readGlobal(written: WrittenGlobal, readMatch: ReadMatch): GlobalLimit {
  const { at, domain, match: asked, rateLimitService, timeoutMs, denyOnFail, descriptors } = written;
  return {
    at,
    domain,
    ...(asked && { match: readMatch(asked) }),
    ...serviceOf(rateLimitService),
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    denyOnFail: denyOnFail === true,
    descriptors,
  };
}

function readBucket({ at, maxTokens, tokensPerFill = 1, fillIntervalMs }: WrittenBucket): TokenBucket {
  return { at, maxTokens, tokensPerFill, fillIntervalMs };
}

/** Host and port in `outbound|PORT|SUBSET|HOST`, which Aeraki asks for, in `HOST:PORT`, or the host alone. */
function serviceOf(service: string): Pick<GlobalLimit, "service" | "port"> {
  const [, before, host = service, after] =
    /^outbound\|(\d*)\|[^|]*\|(.+)$/.exec(service) ?? /^()(.+?)(?::(\d+))?$/.exec(service) ?? [];
  const number = Number(before || after);
  return { service: host.toLowerCase(), ...(number > 0 && { port: { number } }) };
}
