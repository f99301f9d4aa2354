import { parseObject } from "../rules/parse.ts";
import { type RuleFileState, takeFile } from "../rules/rule-set.ts";
import type { ServedResource } from "./kinds.ts";

/** An object of Kubernetes that is a rule. */
export interface RuleObject {
  readonly resource: ServedResource;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  /** Of what is stored now: a write says which one it changes. */
  readonly resourceVersion: string;
  /** What the object refers to as its parents, as it says it; empty for kinds without. */
  readonly parentRefs: readonly Readonly<Record<string, unknown>>[];
  /** As it is stored. */
  readonly status: Readonly<Record<string, unknown>>;
  /** Its rule, and what is wrong with it. */
  readonly state: RuleFileState;
}

/** The objects of a cluster that are rules, by kind. */
export class RuleObjects {
  readonly #kinds = new Map<string, Map<string, RuleObject>>();
  /** What each object's rule was read from: a change of its status alone is read no more. */
  readonly #texts = new WeakMap<RuleObject, string>();
  readonly #mark: string;
  readonly #isFirst: () => boolean;

  /**
   * `mark`, without spaces, stands behind names: objects of two clusters may have one name. `isFirst`: policies that are wrong now have no good
   * state that is known, so that what they may be for is closed.
   */
  constructor(mark = "", isFirst = () => false) {
    this.#mark = mark;
    this.#isFirst = isFirst;
  }

  /** Replaces all objects of a kind within a namespace, or everywhere where that is undefined. */
  replace(resource: ServedResource, namespace: string | undefined, objects: readonly unknown[]): void {
    const known = this.#of(resource);
    const gone = new Set([...known].filter(([, one]) => namespace === undefined || one.namespace === namespace));
    const kept = new Set(objects.map((object) => this.put(resource, object)));
    for (const [id] of gone) if (!kept.has(id)) known.delete(id);
  }

  /** Takes an object as it is now; gives what it is called by, undefined for what is no object. */
  put(resource: ServedResource, object: unknown): string | undefined {
    const { metadata, spec, status } = asRecord(object);
    const { name, namespace = "default", generation, resourceVersion } = asRecord(metadata);
    if (typeof name !== "string" || typeof namespace !== "string") return undefined;
    const known = this.#of(resource);
    const id = `${namespace}/${name}`;
    const before = known.get(id);
    const text = JSON.stringify(withoutNoise(resource, object));
    const state =
      before !== undefined && this.#texts.get(before) === text
        ? before.state
        : this.#stateOf(resource, id + this.#mark, text, before?.state);
    const refs = asRecord(spec)["parentRefs"];
    const made: RuleObject = {
      ...{ resource, namespace, name, state },
      generation: typeof generation === "number" ? generation : 0,
      resourceVersion: typeof resourceVersion === "string" ? resourceVersion : "",
      parentRefs: Array.isArray(refs) ? refs.slice(0, MAX_PARENTS).map(asRecord) : [],
      status: asRecord(status),
    };
    this.#texts.set(made, text);
    known.set(id, made);
    return id;
  }

  /** An object is gone. */
  remove(resource: ServedResource, object: unknown): void {
    const { name, namespace = "default" } = asRecord(asRecord(object)["metadata"]);
    this.#of(resource).delete(`${namespace}/${name}`);
  }

  /** A kind is gone, with all its objects. */
  forget(resource: ServedResource): void {
    this.#kinds.delete(keyOf(resource));
  }

  /** All objects. */
  all(): RuleObject[] {
    return [...this.#kinds.values()].flatMap((known) => [...known.values()]);
  }

  #stateOf({ kind }: ServedResource, id: string, text: string, before: RuleFileState | undefined): RuleFileState {
    const place = `${kind} ${id}`;
    return takeFile(place, before, parseObject(place, JSON.parse(text)), { start: 0, isFirst: this.#isFirst() });
  }

  #of(resource: ServedResource): Map<string, RuleObject> {
    const known = this.#kinds.get(keyOf(resource)) ?? new Map<string, RuleObject>();
    this.#kinds.set(keyOf(resource), known);
    return known;
  }
}

/** The standard of Gateway API allows 32. */
const MAX_PARENTS = 64;

function keyOf({ group, plural }: ServedResource): string {
  return `${plural}.${group}`;
}

/** An object as its author wrote it: what servers and tools note in it, and with every write anew, says nothing of its rule. */
function withoutNoise({ kind, group, version }: ServedResource, object: unknown): object {
  const { metadata, spec } = asRecord(object);
  const { name, namespace, creationTimestamp, labels, annotations } = asRecord(metadata);
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...said } = asRecord(annotations);
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: {
      ...{ name, namespace, creationTimestamp, labels },
      ...(Object.keys(said).length > 0 && { annotations: said }),
    },
    spec,
  };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
