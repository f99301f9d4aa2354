import { expect, test } from "vitest";
import { checkDocument } from "../../../../src/cli/config/document.ts";
import { PROVIDER_KEYS, type RawProvider, resolveProviders } from "../../../../src/cli/config/extension-providers.ts";

function read(text: string) {
  const shape = { type: "list", items: { type: "map", keys: PROVIDER_KEYS } } as const;
  const { value, errors } = checkDocument("c.yaml", text, shape);
  const faults = errors.map(({ message }) => message);
  if (faults.length > 0) return { faults };
  const providers = resolveProviders(value as RawProvider[], (path, message) => faults.push(`${path}: ${message}`));
  return { providers, faults };
}

test("a provider is read as Istio writes it, with Istio's defaults", () => {
  expect(read("- {name: a, envoyExtAuthzGrpc: {service: foo/Authz.example, port: 9000}}")).toEqual({
    faults: [],
    providers: [
      { name: "a", service: "authz.example", port: 9000, timeoutMs: 600_000, failOpen: false, statusOnError: 403 },
    ],
  });
  const said = 'timeout: 500ms, failOpen: true, statusOnError: "503"';
  expect(read(`- {name: a, envoyExtAuthzGrpc: {service: b, port: 1, ${said}}}`).providers).toMatchObject([
    { timeoutMs: 500, failOpen: true, statusOnError: 503 },
  ]);
});

test.each([
  [
    "two of one name",
    "- &a {name: a, envoyExtAuthzGrpc: {service: b, port: 1}}\n- {name: a, envoyExtAuthzGrpc: {service: b, port: 1}}",
    /name of another provider/,
  ],
  ["no port", "- {name: a, envoyExtAuthzGrpc: {service: b, port: 0}}", /0 is no port/],
  ["a time that is none", "- {name: a, envoyExtAuthzGrpc: {service: b, port: 1, timeout: soon}}", /"soon" is no time/],
  ["no time", "- {name: a, envoyExtAuthzGrpc: {service: b, port: 1, timeout: 0s}}", /"0s" is no time/],
  [
    "a status of success",
    '- {name: a, envoyExtAuthzGrpc: {service: b, port: 1, statusOnError: "200"}}',
    /no HTTP status/,
  ],
  [
    "a flag that is none",
    "- {name: a, envoyExtAuthzGrpc: {service: b, port: 1, failOpen: maybe}}",
    /must be true or false/,
  ],
  [
    "content",
    "- {name: a, envoyExtAuthzGrpc: {service: b, port: 1, includeRequestBodyInCheck: {}}}",
    /told of heads alone/,
  ],
  ["another kind", "- {name: a, envoyExtAuthzHttp: {service: b, port: 1}}", /envoyExtAuthzGrpc alone/],
  ["nothing that answers", "- {name: a}", /envoyExtAuthzGrpc is missing/],
])("%s is a fault", (_name, text, fault) => {
  expect(read(text).faults.join("\n")).toMatch(fault);
});
