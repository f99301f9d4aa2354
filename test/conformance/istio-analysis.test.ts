import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { analyzeRules } from "../../src/control/rules/analyze/analyze.ts";
import { parseRules } from "../../src/control/rules/parse.ts";
import { entryOf } from "../support/rule-cases.ts";

// What Istio's own analysis tells of rules, one case for each of its codes that docs/findings.md gives a code of ours for.
const text = readFileSync(new URL("../../docs/findings.md", import.meta.url), "utf8");
const table = text.slice(text.indexOf("## What Istio's analysis says"));
const entries = [
  entryOf("com.acme.A", ["dubbo://10.0.0.1:20880?app=a&lane=v1"]),
  entryOf("com.acme.B", ["dubbo://10.0.0.2:20880?app=b"]),
];

const object = (kind: string, name: string, spec: string, more = ""): string => {
  const group = /Auth|Peer/.test(kind) ? "security.istio.io" : "networking.istio.io";
  return `apiVersion: ${group}/v1\nkind: ${kind}\nmetadata: {name: ${name}${more}}\nspec: ${spec}\n`;
};
const route = (rest: string) => `{hosts: [com.acme.A], http: [${rest}]}`;
const to = (rest: string) => `{route: [{destination: {host: com.acme.A${rest}}}]}`;
const server = "servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: [a.example]}]";

interface Case {
  readonly istio: string;
  readonly what: string;
  readonly rules: readonly string[];
  readonly code: string;
}

const cases: readonly Case[] = [
  {
    istio: "IST0101",
    what: "a destination that is not there",
    rules: [object("VirtualService", "v", route("{route: [{destination: {host: com.acme.None}}]}"))],
    code: "TR0221",
  },
  {
    istio: "IST0101",
    what: "a subset that is not there",
    rules: [object("VirtualService", "v", route(to(", subset: none")))],
    code: "TR0222",
  },
  {
    istio: "IST0101",
    what: "a gateway that is not there",
    rules: [object("VirtualService", "v", `{hosts: [a.example], gateways: [none], http: [${to("")}]}`)],
    code: "TR0241",
  },
  {
    istio: "IST0101",
    what: "a delegate that is not there",
    rules: [object("VirtualService", "v", route("{delegate: {name: none}}"))],
    code: "TR0243",
  },
  {
    istio: "IST0101",
    what: "a policy's host that is not there",
    rules: [object("AuthorizationPolicy", "p", "{rules: [{to: [{operation: {hosts: [none.example]}}]}]}")],
    code: "TR0273",
  },
  ...["IST0106", "IST0133"].map((istio) => ({
    istio,
    what: "a field of no schema",
    rules: [object("VirtualService", "v", "{hots: [a]}")],
    code: "TR0206",
  })),
  ...(
    [
      ["IST0107", "VirtualService", route(to("")), "istio.io/dry-run: 'true'", "of another kind"],
      ["IST0108", "AuthorizationPolicy", "{rules: [{}]}", "istio.io/dry_run: 'true'", "that nobody knows"],
      ["IST0125", "AuthorizationPolicy", "{rules: [{}]}", "istio.io/dry-run: perhaps", "with a wrong value"],
    ] as const
  ).map(([istio, kind, spec, annotation, what]) => ({
    istio,
    what: `an annotation ${what}`,
    rules: [object(kind, "x", spec, `, annotations: {${annotation}}`)],
    code: "TR0254",
  })),
  {
    istio: "IST0109",
    what: "two VirtualServices for one host",
    rules: [object("VirtualService", "v", route(to(""))), object("VirtualService", "w", route(to("")))],
    code: "TR0224",
  },
  ...["IST0110", "IST0111"].map((istio, i) => ({
    istio,
    what: "two Sidecars for the same workloads",
    rules: ["s", "t"].map((name) =>
      object("Sidecar", name, `{${i === 0 ? "workloadSelector: {labels: {app: a}}, " : ""}egress: [{hosts: ['*/*']}]}`),
    ),
    code: "TR0245",
  })),
  {
    istio: "IST0113",
    what: "plain text to whom mutual TLS alone is taken",
    rules: [
      object("DestinationRule", "d", "{host: com.acme.A, trafficPolicy: {tls: {mode: DISABLE}}}"),
      object("PeerAuthentication", "p", "{mtls: {mode: STRICT}}"),
    ],
    code: "TR0283",
  },
  {
    istio: "IST0122",
    what: "a regular expression that is none",
    rules: [
      object(
        "VirtualService",
        "v",
        route("{match: [{uri: {regex: '('}}], route: [{destination: {host: com.acme.A}}]}"),
      ),
    ],
    code: "TR0211",
  },
  {
    istio: "IST0127",
    what: "a selector that chooses nothing",
    rules: [object("PeerAuthentication", "p", "{selector: {matchLabels: {app: none}}}")],
    code: "TR0281",
  },
  {
    istio: "IST0127",
    what: "a policy's selector that chooses nothing",
    rules: [object("AuthorizationPolicy", "p", "{selector: {matchLabels: {app: none}}, rules: [{}]}")],
    code: "TR0270",
  },
  ...["IST0128", "IST0129"].map((istio, i) => {
    const tls = "tls: {mode: SIMPLE, insecureSkipVerify: true}";
    const policy = i === 0 ? tls : `portLevelSettings: [{port: {number: 20880}, ${tls}}]`;
    return {
      istio,
      what: "certificates that are not checked",
      rules: [object("DestinationRule", "d", `{host: com.acme.A, trafficPolicy: {${policy}}}`)],
      code: "TR0248",
    };
  }),
  {
    istio: "IST0130",
    what: "a route behind one that takes all",
    rules: [object("VirtualService", "v", route(`${to("")}, ${to("")}`))],
    code: "TR0226",
  },
  {
    istio: "IST0131",
    what: "a match that is one of a route before",
    rules: [
      object(
        "VirtualService",
        "v",
        route(
          ["{uri: {exact: /com.acme.A/get}}", "{uri: {exact: /com.acme.A/get}}"]
            .map((match) => `{match: [${match}], route: [{destination: {host: com.acme.A}}]}`)
            .join(", "),
        ),
      ),
    ],
    code: "TR0226",
  },
  {
    istio: "IST0132",
    what: "a host that the gateway does not take",
    rules: [
      object("Gateway", "g", `{${server}}`),
      object("VirtualService", "v", `{hosts: [b.example], gateways: [g], http: [${to("")}]}`),
    ],
    code: "TR0242",
  },
  {
    istio: "IST0145",
    what: "two Gateways for one port and host",
    rules: [object("Gateway", "g", `{${server}}`), object("Gateway", "h", `{${server}}`)],
    code: "TR0239",
  },
  {
    istio: "IST0149",
    what: "a route by a token's claims",
    rules: [
      object(
        "VirtualService",
        "v",
        route(
          "{match: [{headers: {'@request.auth.claims.sub': {exact: x}}}], route: [{destination: {host: com.acme.A}}]}",
        ),
      ),
    ],
    code: "TR0277",
  },
  {
    istio: "IST0161",
    what: "a Gateway without its certificate",
    rules: [
      object(
        "Gateway",
        "g",
        "{servers: [{port: {number: 8443, name: https, protocol: HTTPS}, hosts: [a.example], tls: {mode: SIMPLE}}]}",
      ),
    ],
    code: "TR0240",
  },
  {
    istio: "IST0167",
    what: "a policy that holds for nothing",
    rules: [object("AuthorizationPolicy", "p", "{rules: [{}]}", ", namespace: other")],
    code: "TR0270",
  },
  {
    istio: "IST0173",
    what: "a subset that chooses nothing",
    rules: [object("DestinationRule", "d", "{host: com.acme.A, subsets: [{name: v9, labels: {lane: v9}}]}")],
    code: "TR0223",
  },
  {
    istio: "IST0174",
    what: "a DestinationRule for a host that is not there",
    rules: [object("DestinationRule", "d", "{host: com.acme.None}")],
    code: "TR0220",
  },
  {
    istio: "IST0175",
    what: "keys of tokens from an inner address",
    rules: [object("RequestAuthentication", "r", "{jwtRules: [{issuer: i, jwksUri: 'http://10.0.0.9/keys'}]}")],
    code: "TR0275",
  },
  {
    istio: "IST0177",
    what: "two ServiceEntries for one host",
    rules: ["s", "t"].map((name) =>
      object(
        "ServiceEntry",
        name,
        "{hosts: [x.example], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}",
      ),
    ),
    code: "TR0251",
  },
];

test.each(cases)("$istio, $what, is told as $code", ({ rules: texts, code }) => {
  const { rules, findings } = parseRules("r.yaml", texts.join("---\n"));
  const found = [...findings, ...analyzeRules(rules, entries)].map((one) => one.code);
  expect(found).toContain(code);
});

test("docs/findings.md names these codes and ours for them, and has a case for each row that has one", () => {
  const rows = table.split("\n").filter((line) => line.startsWith("| IST"));
  const told = new Map<string, string>();
  for (const row of rows) {
    const [, istio = "", ours = ""] = row.split("|");
    for (const [code] of istio.matchAll(/IST\d{4}/g)) told.set(code, ours.trim());
  }
  for (const { istio, code } of cases)
    expect([istio, told.get(istio)]).toEqual([istio, expect.stringMatching(named(code))]);
  const shown = new Set(cases.map(({ istio }) => istio));
  const without = [...told].filter(([istio, ours]) => !shown.has(istio) && !ours.startsWith("none"));
  expect(without).toEqual([]);
});

/** A code as it stands, or within a range. */
function named(code: string): RegExp {
  const isSchema = code >= "TR0206" && code <= "TR0213";
  return isSchema ? new RegExp(`${code}|TR0206 to TR0213`) : new RegExp(code);
}
