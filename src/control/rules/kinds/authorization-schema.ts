import { parseBlock } from "../../../base/ip-block.ts";
import type { AuthorizationPolicy, PolicyScope, PolicyTarget } from "../../../model/rules/authorization.ts";
import { isTrial } from "../dry-run.ts";
import type { Report } from "../findings.ts";
import { type Check, type ObjectShape, quote, type ReadContext, type ReadObject, type Shape } from "../schema.ts";
import { anyText, listOf, text, textMap } from "./istio-values.ts";
import { object } from "./shapes.ts";

/** Istio's bounds: rules of a policy, targets of one, service accounts of a source. */
const MAX_RULES = 512;
const MAX_TARGETS = 16;
const MAX_ACCOUNTS = 16;

const wrong = (problem: string) => ({ code: "TR0209", problem }) as const;

const isBlock: Check<string> = (value) =>
  parseBlock(value) === undefined
    ? wrong(`is ${quote(value)}, which is no IP address and no prefix such as "10.0.0.0/8"`)
    : undefined;

const isPort: Check<string> = (value) =>
  /^[1-9]\d{0,4}$/.test(value) && Number(value) <= 65_535 ? undefined : wrong(`is ${quote(value)}, which is no port`);

const isAccount: Check<string> = (value) =>
  value.length <= 320 && /^(?:[a-z0-9-]+\/)?[a-z0-9.-]+$/.test(value)
    ? undefined
    : wrong(`is ${quote(value)}; a service account is "name" or "namespace/name", without wildcards`);

/** `*` may stand for the start or the end, or for the whole. */
const isPattern: Check<string> = (value) => {
  if (value === "" || value.length > 4_096) return wrong("must be 1 to 4096 characters");
  const rest = value.startsWith("*") ? value.slice(1) : value.endsWith("*") ? value.slice(0, -1) : value;
  if (!rest.includes("*")) return undefined;
  return wrong(`is ${quote(value)}; "*" may stand at its start or at its end, not in both or between`);
};

const isPath: Check<string> = (value) => {
  if (!/[{}]/.test(value)) return isPattern(value);
  if (value.length > 4_096) return wrong("must be 1 to 4096 characters");
  const segments = value.split("/");
  const any = segments.indexOf("{**}");
  const rest = segments.filter((segment) => segment !== "{*}" && segment !== "{**}").join("");
  if (!value.startsWith("/") || /[{}*]/.test(rest)) {
    return wrong(
      `is ${quote(value)}; {*} and {**} stand for whole segments of a path that begins with "/", without "*"`,
    );
  }
  return any >= 0 && segments.slice(any + 1).some((segment) => segment === "{**}" || segment === "{*}")
    ? wrong(`is ${quote(value)}; nothing but plain segments may follow {**}`)
    : undefined;
};

/** A text with `*` at its start or its end. */
export const pattern: Shape = { type: "text", check: isPattern };

const patterns = listOf(pattern, 1);
const blocks = listOf({ type: "text", check: isBlock }, 1);
const both = (name: string, shape: Shape): Record<string, { shape: Shape }> => ({
  [name]: { shape },
  [`not${name[0]!.toUpperCase()}${name.slice(1)}`]: { shape },
});

const source = object(
  {
    ...both("principals", patterns),
    ...both("requestPrincipals", patterns),
    ...both("namespaces", patterns),
    ...both("serviceAccounts", listOf({ type: "text", check: isAccount }, 1)),
    ...both("ipBlocks", blocks),
    ...both("remoteIpBlocks", blocks),
    ...both("trustDomains", patterns),
  },
  { into: checkSource },
);

const operation = object({
  ...both("hosts", patterns),
  ...both("ports", listOf({ type: "text", check: isPort }, 1)),
  ...both("methods", patterns),
  ...both("paths", listOf({ type: "text", check: isPath }, 1)),
});

/** Attributes that a condition may name; those with brackets take a name in them. */
const KEYS =
  /^(?:request\.headers\[[^\]\s]{1,256}\]|(?:source|remote|destination)\.ip|source\.(?:namespace|principal|serviceAccount|trustDomain)|destination\.port|connection\.sni|request\.auth\.(?:principal|audiences|presenter|claims(?:\[[^\]]{1,256}\]){1,8})|experimental\.envoy\.filters\.[^\s[\]]{1,256}(?:\[[^\]]{1,256}\])?)$/;

const isKey: Check<string> = (value) =>
  KEYS.test(value)
    ? undefined
    : wrong(
        `is ${quote(value)}; a condition is on request.headers[NAME], source.ip, remote.ip, source.namespace, source.principal, source.serviceAccount, source.trustDomain, request.auth.principal, request.auth.audiences, request.auth.presenter, request.auth.claims[NAME], destination.ip, destination.port, connection.sni or experimental.envoy.filters.NAME[KEY]`,
      );

const condition = object(
  {
    key: { shape: { type: "text", check: isKey }, required: true },
    values: { shape: listOf(text) },
    notValues: { shape: listOf(text) },
  },
  { into: checkCondition },
);

const targetRef = object({
  group: { shape: anyText },
  kind: { shape: text, required: true },
  name: { shape: text, required: true },
  namespace: { shape: anyText },
});

/** The fields by which a policy says which services it is for. */
export const SCOPE_FIELDS: ObjectShape["fields"] = {
  selector: { shape: object({ matchLabels: { shape: textMap } }) },
  targetRef: { shape: targetRef },
  targetRefs: { shape: listOf(targetRef) },
};

/** Spec of Istio's AuthorizationPolicy (istio/api security/v1beta1/authorization_policy.proto). */
export const authorizationSpec: ObjectShape = object(
  {
    ...SCOPE_FIELDS,
    action: { shape: { type: "choice", of: ["ALLOW", "DENY", "AUDIT", "CUSTOM"] } },
    provider: { shape: object({ name: { shape: text, required: true } }) },
    rules: {
      shape: listOf(
        object({
          from: { shape: listOf(object({ source: { shape: source } }), 1) },
          to: { shape: listOf(object({ operation: { shape: operation } }), 1) },
          when: { shape: listOf(condition) },
        }),
      ),
    },
  },
  { exclusive: [["selector", "targetRefs", "targetRef"]], into: checkSpec },
);

/** Spec of Aeraki's DubboAuthorizationPolicy (dubbo.aeraki.io/v1alpha1). */
export const dubboAuthorizationSpec: ObjectShape = object({
  action: { shape: { type: "choice", of: ["ALLOW", "DENY"] } },
  rules: {
    shape: listOf(
      object({
        from: {
          shape: listOf(
            object({ source: { shape: object({ ...both("principals", patterns), ...both("namespaces", patterns) }) } }),
            1,
          ),
        },
        to: {
          shape: listOf(
            object({
              operation: { shape: object({ ...both("interfaces", patterns), ...both("methods", patterns) }) },
            }),
            1,
          ),
        },
      }),
    ),
  },
});

/** A spec's scope as the model has it; targets of kinds that are no service are reported. */
export function readScope(spec: ReadObject, report: Report): PolicyScope {
  const { selector, targetRef, targetRefs } = spec as unknown as {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly targetRef?: PolicyTarget;
    readonly targetRefs?: readonly PolicyTarget[];
  };
  const targets = targetRefs ?? (targetRef === undefined ? [] : [targetRef]);
  for (const { at, kind, name } of targets) {
    if (kind === "Service" || kind === "ServiceEntry") continue;
    report(
      "TR0272",
      at.fields.kind ?? at.position,
      `target ${quote(`${kind}/${name}`)} is no Service and no ServiceEntry: calls are checked at services alone`,
    );
  }
  const labels = selector?.matchLabels;
  return { selector: labels !== undefined && Object.keys(labels).length > 0 ? labels : undefined, targets };
}

/** A policy's own part, of either kind. */
export function readAuthorization(
  spec: ReadObject,
  annotations: Readonly<Record<string, string>> | null | undefined,
  report: Report,
): Pick<AuthorizationPolicy, "action" | "provider" | "rules" | "dryRun" | "selector" | "targets"> {
  const { action, provider, rules } = spec as unknown as {
    readonly action?: AuthorizationPolicy["action"];
    readonly provider?: { readonly name: string };
    readonly rules?: AuthorizationPolicy["rules"];
  };
  return {
    ...readScope(spec, report),
    action: action ?? "ALLOW",
    provider: provider?.name,
    rules: rules ?? [],
    dryRun: isTrial(annotations),
  };
}

function checkSource(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { fields, position } = value.at;
  const accounts = [value.serviceAccounts, value.notServiceAccounts].map(
    (list) => (list as string[] | undefined)?.length ?? 0,
  );
  if (Math.max(...accounts) > MAX_ACCOUNTS) {
    context.report("TR0209", position, `${path} names more than ${MAX_ACCOUNTS} service accounts`);
    return undefined;
  }
  const others = ["principals", "notPrincipals", "namespaces", "notNamespaces"].filter(
    (name) => fields[name] !== undefined,
  );
  if (Math.max(...accounts) === 0 || others.length === 0) return value;
  context.report("TR0213", position, `${path} has both serviceAccounts and ${others[0]}; only one of them may stand`);
  return undefined;
}

function checkCondition(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { key, values, notValues } = value as unknown as { key: string; values?: string[]; notValues?: string[] };
  const all = [...(values ?? []), ...(notValues ?? [])];
  if (all.length === 0) {
    context.report("TR0208", value.at.position, `${path} needs values or notValues`);
    return undefined;
  }
  const check: Check<string> = /^\w+\.ip$/.test(key) ? isBlock : key === "destination.port" ? isPort : isPattern;
  let isRight = true;
  for (const one of all) {
    const problem = check(one);
    if (problem === undefined) continue;
    isRight = false;
    context.report(problem.code, value.at.position, `a value of ${path} ${problem.problem}`);
  }
  return isRight ? value : undefined;
}

function checkSpec(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { at, action, provider, rules, targetRefs } = value as unknown as ReadObject & {
    action?: string;
    provider?: unknown;
    rules?: unknown[];
    targetRefs?: unknown[];
  };
  const fault = (code: "TR0208" | "TR0209" | "TR0213", problem: string): undefined => {
    context.report(code, at.position, `${path} ${problem}`);
    return undefined;
  };
  if ((rules?.length ?? 0) > MAX_RULES) return fault("TR0209", `has more than ${MAX_RULES} rules`);
  if ((targetRefs?.length ?? 0) > MAX_TARGETS) return fault("TR0209", `has more than ${MAX_TARGETS} targets`);
  if (action === "CUSTOM" && provider === undefined) return fault("TR0208", "has action CUSTOM and no provider");
  if (action !== "CUSTOM" && provider !== undefined)
    return fault("TR0213", "has a provider, and its action is not CUSTOM");
  return value;
}
