import { type IssuerKey, parseKeySet } from "../../codecs/key-set.ts";
import { JWT_FILTER, type JwtProvider } from "../../codecs/xds/authz.ts";
import { type DeltaResources, type NamedResource, ROUTE_TYPE, VIRTUAL_HOST_TYPE } from "../../codecs/xds/resources.ts";
import type { RouteConfiguration, VirtualHost } from "../../codecs/xds/route.ts";
import type { TokenRules } from "./token.ts";

/** What tokens are held to now. */
export interface KnownKeys {
  /** Tells these from all others, and from those of the same provider before. */
  readonly id: string;
  readonly text: string;
  readonly rules: TokenRules;
}

/** The keys of one provider of tokens: the newest for all that go by it, those too that were compiled before these came. */
export interface KeySlot {
  readonly current: KnownKeys;
}

/** Most providers whose keys are kept for those compiled before. */
const MAX_SLOTS = 10_000;

/** The keys of all providers of tokens. */
export class KeyRing {
  readonly #slots = new Map<string, { current: KnownKeys }>();
  #made = 0;

  /** The place of a provider's keys. */
  slot(name: string, provider: JwtProvider): KeySlot {
    const id = slotId(name, provider);
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = { current: this.#known(provider) };
      if (this.#slots.size >= MAX_SLOTS) this.#slots.delete(this.#slots.keys().next().value!);
      this.#slots.set(id, slot);
    }
    return slot;
  }

  /** These providers, by name, are in force; returns the keys of those whose keys are others than before, by issuer. */
  take(providers: Iterable<readonly [name: string, provider: JwtProvider]>): ReadonlyMap<string, readonly IssuerKey[]> {
    const changed = new Map<string, readonly IssuerKey[]>();
    for (const [name, provider] of providers) {
      const slot = this.#slots.get(slotId(name, provider));
      if (slot === undefined) this.slot(name, provider);
      else if (slot.current.text !== provider.localJwks.inlineString) {
        slot.current = this.#known(provider);
        changed.set(provider.issuer, [...(changed.get(provider.issuer) ?? []), ...slot.current.rules.keys]);
      }
    }
    return changed;
  }

  #known({ issuer, audiences = [], localJwks: { inlineString: text } }: JwtProvider): KnownKeys {
    return { id: String(this.#made++), text, rules: { issuer, audiences, keys: parseKeySet(text) } };
  }
}

/** The same whatever its keys are. */
function slotId(name: string, provider: JwtProvider): string {
  return JSON.stringify([name, { ...provider, localJwks: undefined }]);
}

/** The providers of tokens that resources name, those of a name perhaps several times. */
export function* providersIn(changes: readonly DeltaResources[]): Generator<readonly [string, JwtProvider]> {
  for (const { typeUrl, resources } of changes) {
    if (typeUrl !== ROUTE_TYPE && typeUrl !== VIRTUAL_HOST_TYPE) continue;
    for (const { resource } of resources as readonly NamedResource<RouteConfiguration | VirtualHost>[])
      for (const { typedPerFilterConfig } of "virtualHosts" in resource ? resource.virtualHosts : [resource])
        yield* Object.entries(typedPerFilterConfig?.[JWT_FILTER]?.providers ?? {});
  }
}
