import type { Position } from "../../base/errors.ts";
import type { Finding } from "../../model/entry.ts";
import { printPosition } from "../../model/rule.ts";

/**
 * Every code that rules can be given, with its severity and what it means; docs/findings.md lists them all.
 * TR0201 to TR0219 are about the text of one file or object (errors among them keep its last good state in force) and about where they come from,
 * TR0220 and up about what the rules mean together and for the services that are known.
 */
export const RULE_FINDINGS = {
  TR0201: { severity: "error", title: "rule file or folder can't be read" },
  TR0202: { severity: "error", title: "text is no valid YAML or JSON" },
  TR0203: { severity: "error", title: "document is no object with apiVersion, kind and metadata.name" },
  TR0204: { severity: "warning", title: "object of this kind is not applied" },
  TR0205: { severity: "error", title: "rules that may not be read from Kubernetes" },
  TR0206: { severity: "error", title: "unknown field" },
  TR0207: { severity: "error", title: "value of the wrong type" },
  TR0208: { severity: "error", title: "missing field" },
  TR0209: { severity: "error", title: "value out of range or not among those allowed" },
  TR0210: { severity: "error", title: "bad duration" },
  TR0211: { severity: "error", title: "bad regular expression" },
  TR0212: { severity: "error", title: "weights that send no call anywhere" },
  TR0213: { severity: "error", title: "fields that exclude each other" },
  TR0214: { severity: "error", title: "object defined twice" },
  TR0215: { severity: "warning", title: "last good state of a file stays in force" },
  TR0216: { severity: "error", title: "a limit on rules or findings was passed" },
  TR0217: { severity: "warning", title: "Kubernetes' API is out of reach" },
  TR0218: { severity: "info", title: "kinds of rules that a cluster does not have" },
  TR0219: { severity: "warning", title: "status of rules that can't be written" },
  TR0220: { severity: "warning", title: "host matches no known service" },
  TR0221: { severity: "error", title: "destination matches no known service" },
  TR0222: { severity: "error", title: "unknown subset" },
  TR0223: { severity: "warning", title: "subset selects no endpoint" },
  TR0224: { severity: "error", title: "two VirtualServices for one host" },
  TR0225: { severity: "error", title: "two DestinationRules for one host" },
  TR0226: { severity: "warning", title: "route that no call can reach" },
  TR0227: { severity: "warning", title: "field without meaning for a Dubbo call" },
  TR0228: { severity: "warning", title: "part of a rule that is left out" },
  TR0229: { severity: "error", title: "rule needs to read or change calls whose serialization does not allow it" },
  TR0230: { severity: "error", title: "route that redirects callers of Dubbo" },
  TR0231: { severity: "warning", title: "weights that don't add up to 100" },
  TR0232: { severity: "warning", title: "method match names an HTTP verb" },
  TR0233: { severity: "warning", title: "match that no call of the host can meet" },
  TR0234: { severity: "info", title: "calls that match no route are refused" },
  TR0235: { severity: "warning", title: "attachment that a call can't be given" },
  TR0236: { severity: "error", title: "connection security is not applied" },
  TR0237: { severity: "warning", title: "subset defined twice" },
  TR0238: { severity: "warning", title: "rule for a service that is not led through the proxy" },
  TR0239: { severity: "warning", title: "two Gateways for one host and port, on one proxy" },
  TR0240: { severity: "error", title: "server of a Gateway that can't be served" },
  TR0241: { severity: "warning", title: "gateway that is not defined" },
  TR0242: { severity: "warning", title: "host that no gateway of the rule takes" },
  TR0243: { severity: "error", title: "delegate that can't be used" },
  TR0244: { severity: "warning", title: "VirtualService without hosts that no other delegates to" },
  TR0245: { severity: "warning", title: "two Sidecars for the same workloads" },
  TR0246: { severity: "warning", title: "egress host that matches no known service" },
  TR0247: { severity: "warning", title: "setting of a DestinationRule without effect" },
  TR0248: { severity: "warning", title: "certificates of providers that are not checked" },
  TR0249: { severity: "error", title: "kinds of security that a cluster does not serve and may still have" },
  TR0250: { severity: "warning", title: "ServiceEntry for a host that a registry knows" },
  TR0251: { severity: "error", title: "two ServiceEntries for one host" },
  TR0252: { severity: "warning", title: "workload selector or WorkloadEntry without its other side" },
  TR0253: { severity: "warning", title: "VirtualService in place of Dubbo's condition rules in a registry" },
  TR0254: { severity: "warning", title: "annotation that does nothing" },
  TR0255: { severity: "warning", title: "gateway's route to services of two kinds" },
  TR0256: { severity: "error", title: "route with a filter that is not known, and closed therefore" },
  TR0257: { severity: "warning", title: "VirtualService without routes" },
  TR0260: { severity: "warning", title: "RestMapping without effect" },
  TR0261: { severity: "info", title: "classes that a RestMapping does not describe" },
  TR0270: { severity: "warning", title: "policy that holds for no known service" },
  TR0271: { severity: "warning", title: "policy whose selector chooses only some endpoints of a service" },
  TR0272: { severity: "error", title: "policy for something that calls are not checked at" },
  TR0273: { severity: "warning", title: "condition of a policy that no call of the service can meet" },
  TR0274: { severity: "error", title: "policy whose external server can't be asked" },
  TR0275: { severity: "warning", title: "keys of tokens that are fetched from an inner address, or without TLS" },
  TR0276: { severity: "warning", title: "policy asks for an address that is not known" },
  TR0277: { severity: "warning", title: "route by a token's claims, and no call has any" },
  TR0278: { severity: "error", title: "policy that is wrong from the start on, and all that it may be for closed" },
  TR0279: { severity: "error", title: "start that waits for a rule file that can't be read" },
  TR0280: { severity: "warning", title: "two PeerAuthentications for the same workloads" },
  TR0281: { severity: "warning", title: "PeerAuthentication that chooses no workload" },
  TR0282: { severity: "warning", title: "mutual TLS that providers' own ports do not ask for" },
  TR0283: { severity: "error", title: "DestinationRule and PeerAuthentication that contradict each other" },
  TR0284: { severity: "warning", title: "condition on what only an Envoy's filters know" },
} as const satisfies Record<string, { readonly severity: Finding["severity"]; readonly title: string }>;

/** A code of {@link RULE_FINDINGS}. */
export type RuleFindingCode = keyof typeof RULE_FINDINGS;

/** A finding of {@link RULE_FINDINGS} at a place in a file. */
export function ruleFinding(code: RuleFindingCode, position: Position, message: string): Finding {
  return { code, severity: RULE_FINDINGS[code].severity, message, at: printPosition(position) };
}

/** Takes a finding; the code decides the severity. */
export type Report = (code: RuleFindingCode, position: Position, message: string) => void;

/** Most findings kept of one file or one analysis; one more says that there were others. */
export const MAX_FINDINGS = 500;

/** Collects findings, each once, up to {@link MAX_FINDINGS}. */
export interface FindingList {
  readonly report: Report;
  /** In the order reported. */
  list(): readonly Finding[];
}

/** Starts an empty list. A finding is the same where code, place and message are. */
export function createFindingList(): FindingList {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  let left = 0;
  let last: Position | undefined;
  return {
    report(code, position, message) {
      const finding = ruleFinding(code, position, message);
      const key = `${code} ${finding.at} ${message}`;
      if (seen.has(key)) return;
      if (findings.length >= MAX_FINDINGS) {
        left++;
        last = position;
        return;
      }
      seen.add(key);
      findings.push(finding);
    },
    list() {
      if (last === undefined) return findings;
      return [
        ...findings,
        ruleFinding("TR0216", last, `${left} more findings are not shown; at most ${MAX_FINDINGS} are`),
      ];
    },
  };
}

/** Sorts by file, line and column, then code; the places of {@link ruleFinding} are read back for that. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const place = (at: string): [string, number, number] => {
    const parts = /^(.*):(\d+):(\d+)$/.exec(at);
    return parts === null ? [at, 0, 0] : [parts[1]!, Number(parts[2]), Number(parts[3])];
  };
  return findings
    .map((finding) => ({ finding, place: place(finding.at) }))
    .sort(
      (a, b) =>
        compareText(a.place[0], b.place[0]) ||
        a.place[1] - b.place[1] ||
        a.place[2] - b.place[2] ||
        compareText(a.finding.code, b.finding.code),
    )
    .map(({ finding }) => finding);
}

/** Orders texts by code unit, the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
