import type { Entry } from "../../model/entry.ts";

/** Most forms that one service under one rule is remembered in. */
const MAX_FORMS = 256;

/** Stands for no rule. */
const NO_RULE = {};

/**
 * What was made of services under rules, in as many forms as clients ask for. A service or a rule that is gone takes along what was made of it.
 */
export class Variants<T> {
  readonly #made = new WeakMap<Entry, WeakMap<object, Map<string, T>>>();

  /** What was made of the service under the rule in that form, or what `make` makes now. */
  get(entry: Entry, rule: object | undefined, form: string, make: () => T): T {
    let byRule = this.#made.get(entry);
    if (byRule === undefined) {
      byRule = new WeakMap();
      this.#made.set(entry, byRule);
    }
    let forms = byRule.get(rule ?? NO_RULE);
    if (forms === undefined) {
      forms = new Map();
      byRule.set(rule ?? NO_RULE, forms);
    }
    let one = forms.get(form);
    if (one === undefined) {
      if (forms.size >= MAX_FORMS) forms.clear();
      one = make();
      forms.set(form, one);
    }
    return one;
  }
}
