import { DEFAULT_GUARD, type GuardSettings } from "../../registry-sync/merge/guard.ts";
import { type RenameRule, renameFault } from "../../registry-sync/merge/rename.ts";
import type { KeyShape, Shape } from "./document.ts";

/** What of a registry is taken over, how it is called, and how sudden losses in it are held. */
export interface ShapingConfig {
  readonly services: {
    /** Undefined for all. */
    readonly include?: readonly string[];
    readonly exclude: readonly string[];
  };
  readonly rename: readonly RenameRule[];
  readonly guard: GuardConfig;
}

/** A guard's settings, and what differs for some services: the first pattern that fits counts. */
export interface GuardConfig {
  readonly settings: GuardSettings;
  readonly services: readonly { readonly pattern: string; readonly settings: GuardSettings }[];
}

/** Guard settings as the file has them; durations are texts such as `30s`. */
export interface RawGuardSettings {
  readonly share?: number;
  readonly least?: number;
  readonly hold?: string;
  readonly grace?: string;
  readonly window?: string;
  readonly empty?: string;
}

/** A guard as the file has it. */
export interface RawGuard extends RawGuardSettings {
  readonly services?: Readonly<Record<string, RawGuardSettings>>;
}

/** The part of a registry in the file that this resolves. */
export interface RawShaping {
  readonly services?: { readonly include?: readonly string[]; readonly exclude?: readonly string[] };
  readonly rename?: readonly RenameRule[];
  readonly guard?: RawGuard;
}

/** A registry that is taken over as it is, guarded as always. */
export const PLAIN_SHAPING: ShapingConfig = {
  services: { exclude: [] },
  rename: [],
  guard: { settings: DEFAULT_GUARD, services: [] },
};

const MAX_DURATION_MS = 7 * 24 * 3_600_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Fills in defaults; `base` is the guard of all registries. Faults go to `fail`, named by their path. */
export function resolveShaping(
  raw: RawShaping,
  base: RawGuard | undefined,
  path: string,
  fail: (path: string, message: string) => void,
): ShapingConfig {
  for (const [i, rule] of (raw.rename ?? []).entries()) {
    const fault = renameFault(rule);
    if (fault !== undefined) fail(`${path}.rename[${i}]`, fault);
  }
  const { include, exclude = [] } = raw.services ?? {};
  if (include?.length === 0) fail(`${path}.services.include`, "it lists nothing, so nothing would be taken over");
  const common = resolveGuard(base ?? {}, { settings: DEFAULT_GUARD, services: [] }, "guard", () => {});
  return {
    services: { ...(include !== undefined && { include }), exclude },
    rename: raw.rename ?? [],
    guard: resolveGuard(raw.guard ?? {}, common, `${path}.guard`, fail),
  };
}

/** A guard's settings over others; those of a registry's services come before those of all registries. */
export function resolveGuard(
  raw: RawGuard,
  base: GuardConfig,
  path: string,
  fail: (path: string, message: string) => void,
): GuardConfig {
  const settings = readSettings(raw, base.settings, path, fail);
  const own = Object.entries(raw.services ?? {}).map(([pattern, given]) => ({
    pattern,
    settings: readSettings(given, settings, `${path}.services.${pattern}`, fail),
  }));
  return { settings, services: [...own, ...base.services] };
}

function readSettings(
  raw: RawGuardSettings,
  base: GuardSettings,
  path: string,
  fail: (path: string, message: string) => void,
): GuardSettings {
  const time = (name: "hold" | "grace" | "window" | "empty", fallback: number) => {
    const text = raw[name];
    if (text === undefined) return fallback;
    const ms = readDuration(text);
    if (ms === undefined) fail(`${path}.${name}`, `"${text}" is no time such as 30s or 5m, of at most 7 days`);
    return ms ?? fallback;
  };
  const { share = base.passingShare, least = base.leastLost } = raw;
  if (raw.share !== undefined && !(share >= 0 && share <= 1)) fail(`${path}.share`, `${share} is no share from 0 to 1`);
  if (raw.least !== undefined && !(Number.isInteger(least) && least >= 1))
    fail(`${path}.least`, `${least} is no whole number from 1 on`);
  return {
    passingShare: share,
    leastLost: least,
    holdMs: time("hold", base.holdMs),
    graceMs: time("grace", base.graceMs),
    windowMs: time("window", base.windowMs),
    emptyMs: time("empty", base.emptyMs),
  };
}

/** Reads `500ms`, `30s`, `5m`, `1h`, in ms; undefined for anything else and for over 7 days. */
export function readDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNITS[match[2]!]!;
  return ms <= MAX_DURATION_MS ? ms : undefined;
}

const string: Shape = { type: "string" };
const time: Shape = { type: "string", what: "a time such as 30s or 5m" };
const strings: Shape = { type: "list", items: string };

const GUARD_SETTINGS: Readonly<Record<string, KeyShape>> = {
  share: {
    shape: { type: "number" },
    doc: "a loss of no more than this share passes at once, from 0 to 1",
    default: "0.5",
  },
  least: { shape: { type: "number" }, doc: "a loss of fewer instances passes at once", default: "5" },
  hold: { shape: time, doc: "how long a sudden loss is held before it is believed", default: "5m" },
  grace: { shape: time, doc: "for how long after the registry was out of reach any loss is held", default: "30s" },
  window: { shape: time, doc: "losses within this time count as one", default: "10s" },
  empty: { shape: time, doc: "how long a service without providers is kept as an empty entry", default: "5m" },
};

/** The keys of a guard. */
export const GUARD_KEYS: Readonly<Record<string, KeyShape>> = {
  ...GUARD_SETTINGS,
  services: {
    shape: { type: "table", values: { type: "map", keys: GUARD_SETTINGS } },
    doc: "the same settings for some services, by name or key with * for any run of characters; the first that fits counts",
    default: "{}",
  },
};

/** The keys of a registry that say what of it is taken over, and how. */
export const SHAPING_KEYS: Readonly<Record<string, KeyShape>> = {
  services: {
    shape: {
      type: "map",
      keys: {
        include: {
          shape: strings,
          doc: "names, or keys group/interface:version, of the services that are taken over; * for any run of characters",
          default: "all",
        },
        exclude: { shape: strings, doc: "those that are not, although include has them", default: "[]" },
      },
    },
    doc: "which services of the registry are taken over; all others are not known to Trestle",
  },
  rename: {
    shape: {
      type: "list",
      items: {
        type: "map",
        keys: {
          from: {
            shape: string,
            required: true,
            doc: "the services it is for: name or key, with * for any run of characters",
          },
          to: {
            shape: string,
            doc: "new name; its n-th * is what the n-th * of from stood for",
            default: "the old one",
          },
          group: { shape: { type: "text" }, doc: 'new group; "" for none', default: "the old one" },
          version: { shape: { type: "text" }, doc: 'new version; "" for none', default: "the old one" },
          labels: {
            shape: { type: "table", values: string },
            doc: "labels that endpoints get, for subsets: name of the label, and of the parameter whose value it is",
            default: "{}",
          },
        },
      },
    },
    doc: "how services are called in the mesh; the first rule that fits a service counts",
    default: "[]",
  },
  guard: {
    shape: { type: "map", keys: GUARD_KEYS },
    doc: "how sudden losses of this registry are held; the keys of guard, over what they say",
    sameAs: "guard",
  },
};
