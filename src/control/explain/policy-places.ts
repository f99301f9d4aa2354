import { printPlace, type Rule } from "../../model/rule.ts";
import type { AuthorizationAction, AuthorizationPolicy } from "../../model/rules/authorization.ts";
import type { SerializationGuard } from "../../model/rules/serialization-guard.ts";

/** A rule of a policy and where it is written. */
export interface KnownRule {
  /** As filters name it: `ns[default]-policy[orders]-rule[0]`. */
  readonly name: string;
  readonly kind: AuthorizationPolicy["kind"];
  /** `namespace/name`. */
  readonly policy: string;
  /** From 0; absent for a policy without rules. */
  readonly rule: number | undefined;
  /** `file:line`, or the object in its cluster. */
  readonly at: string;
}

/** Where the policies stand whose rules are in a virtual host. */
export interface PolicyPlaces {
  /** The rules of an action: those that a filter has by `names`, and, where it is known which policies are for the service, all of these. */
  rulesOf(action: AuthorizationAction, dryRun: boolean, names: readonly string[]): readonly KnownRule[];
  /** Of an issuer by the name that its filter has for it, `default/shop/0`; `""` where that is not known. */
  tokenAt(name: string): string;
  readonly guards: readonly { readonly policy: string; readonly at: string; readonly dryRun: boolean }[];
}

/** What is known to be for a service. */
export interface InScope {
  readonly policies: readonly AuthorizationPolicy[];
  readonly guards: readonly SerializationGuard[];
}

/** Finds places among `rules`; without a scope a guard has none. */
export function createPolicyPlaces(rules: readonly Rule[], scope: InScope | undefined): PolicyPlaces {
  const written = rules.filter(
    (rule): rule is AuthorizationPolicy =>
      rule.kind === "AuthorizationPolicy" || rule.kind === "DubboAuthorizationPolicy",
  );
  return {
    rulesOf(action, dryRun, names) {
      const isOf = (one: AuthorizationPolicy) => one.action === action && one.dryRun === dryRun;
      if (scope !== undefined) return scope.policies.filter(isOf).flatMap(rulesIn);
      const known = new Map(written.filter(isOf).flatMap((one) => rulesIn(one).map((rule) => [rule.name, rule])));
      return names.map((name) => known.get(name) ?? unplaced(name));
    },
    tokenAt(name) {
      const object = name.slice(0, name.lastIndexOf("/"));
      const found = rules.find(
        (rule) => rule.kind === "RequestAuthentication" && `${rule.namespace}/${rule.name}` === object,
      );
      return printPlace(found?.at.position);
    },
    guards: scope?.guards.map((guard) => ({
      policy: `${guard.namespace}/${guard.name}`,
      at: printPlace(guard.at.position),
      dryRun: guard.dryRun,
    })) ?? [{ policy: "", at: "", dryRun: false }],
  };
}

function rulesIn({ kind, namespace, name, rules, at }: AuthorizationPolicy): readonly KnownRule[] {
  const told = { kind, policy: `${namespace}/${name}` };
  if (rules.length === 0) return [{ ...told, name: "", rule: undefined, at: printPlace(at.position) }];
  return rules.map((rule, i) => ({
    ...told,
    name: `ns[${namespace}]-policy[${name}]-rule[${i}]`,
    rule: i,
    at: printPlace(rule.at.position),
  }));
}

/** A rule whose policy is gone, while the proxy still has it. */
function unplaced(name: string): KnownRule {
  const [, namespace = "", policy = "", rule = "0"] = /^ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]$/.exec(name) ?? [];
  return { name, kind: "AuthorizationPolicy", policy: `${namespace}/${policy}`, rule: Number(rule), at: "" };
}
