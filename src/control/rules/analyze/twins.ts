import { printPosition, type Rule } from "../../../model/rule.ts";
import type { Report } from "../findings.ts";

/** Reports objects of one kind, namespace and name, of which Kubernetes could hold only one. `rules` are as written: what is made of them has names of its own. */
export function analyzeTwins(rules: readonly Rule[], report: Report): void {
  const first = new Map<string, Rule>();
  for (const rule of rules) {
    const id = `${rule.kind} ${rule.namespace}/${rule.name}`;
    const other = first.get(id);
    if (other === undefined) first.set(id, rule);
    else report("TR0214", rule.at.position, `${id} is already defined at ${printPosition(other.at.position)}`);
  }
}
