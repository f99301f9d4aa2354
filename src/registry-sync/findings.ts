import type { Finding } from "../model/entry.ts";

interface FindingKind {
  readonly severity: Finding["severity"];
  /** What is wrong, in general; docs and `check` print it as the heading of the code. */
  readonly title: string;
  /** Whether the service named by `at` is not led through the proxy while the finding stands. */
  readonly passes: boolean;
}

/**
 * Every finding of registry-sync by its code. Codes are stable: one is never given to another meaning.
 * 010x what a registry holds; 011x endpoints; 012x other protocols and levels; 013x rules of the old world; 014x entries; 015x the guard; 016x types of calls; 017x filters and renames.
 */
export const REGISTRY_FINDINGS = {
  TR0101: { severity: "warning", title: "a registration is no Dubbo URL and is left out", passes: false },
  TR0102: { severity: "warning", title: "a registration stands under another interface's name", passes: false },
  TR0103: {
    severity: "warning",
    title: "a number in a registration cannot be read; its default is used",
    passes: false,
  },
  TR0104: { severity: "warning", title: "a registry directory holds more names than are read", passes: false },
  TR0105: { severity: "error", title: "a registry's root may not be read; it counts as not read yet", passes: false },
  TR0106: { severity: "warning", title: "nodes of a registry may not be read", passes: false },
  TR0107: { severity: "warning", title: "an instance of an application cannot be read and is left out", passes: false },
  TR0110: { severity: "error", title: "a provider's address is one of Trestle's own and is refused", passes: false },
  TR0111: { severity: "warning", title: "a provider registered an address that nobody can connect to", passes: false },
  TR0120: { severity: "info", title: "a protocol that is not led through the proxy", passes: false },
  TR0121: {
    severity: "info",
    title: "a service is registered at application level only and passes unchanged",
    passes: true,
  },
  TR0122: {
    severity: "info",
    title: "an application is registered at application level only and passes unchanged",
    passes: false,
  },
  TR0123: {
    severity: "warning",
    title: "the services of an application's revision cannot be learned",
    passes: false,
  },
  TR0130: {
    severity: "warning",
    title: "a legacy router that is not applied rules a service, which passes unchanged therefore",
    passes: true,
  },
  TR0131: {
    severity: "warning",
    title: "a rule of the config centre that is not applied rules a service, which passes unchanged therefore",
    passes: true,
  },
  TR0132: {
    severity: "info",
    title: "a consumer calls all providers at once (cluster=broadcast) and passes unchanged",
    passes: false,
  },
  TR0133: { severity: "warning", title: "an override is for some consumers only and is left to them", passes: false },
  TR0134: { severity: "info", title: "an override matches no provider", passes: false },
  TR0135: {
    severity: "warning",
    title: "dynamic configuration of the config centre is not applied in full",
    passes: false,
  },
  TR0136: {
    severity: "error",
    title: "a rule of the registry cannot be read; its last good text counts",
    passes: false,
  },
  TR0137: {
    severity: "info",
    title: "a rule of the registry means something else to some lines of Dubbo",
    passes: false,
  },
  TR0140: { severity: "error", title: "two services share one host; the later one is left out", passes: true },
  TR0141: {
    severity: "error",
    title: "an entry of this host belongs to someone else and is not touched",
    passes: false,
  },
  TR0150: { severity: "warning", title: "a service lost most of its providers at once; they are held", passes: false },
  TR0151: { severity: "warning", title: "a registry lost most of its providers at once; they are held", passes: false },
  TR0152: {
    severity: "info",
    title: "a registry was out of reach; what it lost is held for half a minute",
    passes: false,
  },
  TR0160: { severity: "warning", title: "a metadata report of a provider cannot be read", passes: false },
  TR0161: {
    severity: "warning",
    title: "a metadata centre is out of reach; what it said before counts",
    passes: false,
  },
  TR0170: { severity: "warning", title: "a filter or a rename fits no service", passes: false },
  TR0171: { severity: "error", title: "a file of a registry is wrong; its last good content counts", passes: false },
} as const satisfies Readonly<Record<string, FindingKind>>;

/** One of registry-sync's finding codes. */
export type RegistryFindingCode = keyof typeof REGISTRY_FINDINGS;

/** Makes a finding of a known code; its severity is the table's. `at` of a code that `passes` is the printed service key. */
export function finding(code: RegistryFindingCode, message: string, at: string): Finding {
  return { code, severity: REGISTRY_FINDINGS[code].severity, message, at };
}

/**
 * The services that must not be led through the proxy by the findings that stand: printed key, or a bare interface where
 * the finding is about all of it, to the finding's text.
 */
export function passedServices(findings: readonly Finding[]): ReadonlyMap<string, string> {
  const kinds: Readonly<Record<string, FindingKind>> = REGISTRY_FINDINGS;
  return new Map(findings.filter((one) => kinds[one.code]?.passes === true).map((one) => [one.at, one.message]));
}
