import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import type { Source } from "../../registry-sync/contracts.ts";
import type { ControllerOptions } from "../../registry-sync/controller.ts";
import type { ServiceEntryStyle } from "../../registry-sync/entries/service-entry-forms.ts";
import { createGuard, type Guard } from "../../registry-sync/merge/guard.ts";
import { createShape, type ShapeOptions, shapedSource, shapes } from "../../registry-sync/merge/shape.ts";
import { hostOf } from "../../registry-sync/naming/naming.ts";
import { createNaming, type Naming, type NamingStyle } from "../../registry-sync/naming/naming-styles.ts";
import { styleLabels } from "../../registry-sync/naming/style-labels.ts";
import { anyOf } from "../../registry-sync/patterns.ts";
import type { RegistryConfig, TrestleConfig } from "../config/config.ts";

/** A registry's source with its filters, renames and the naming style before it; the same one where there is nothing of it. */
export function shaped(source: Source, registry: RegistryConfig, { naming }: Pick<TrestleConfig, "naming">): Source {
  const options = shapeOf(registry, naming);
  return shapes(options) ? shapedSource(source, createShape(options)) : source;
}

/** The guard of one registry as configured. */
export function guardOf({ shaping: { guard } }: Pick<RegistryConfig, "shaping">): Guard {
  if (guard.services.length === 0) return createGuard(guard.settings);
  const rules = guard.services.map(({ pattern, settings }) => ({ fits: anyOf([pattern]), settings }));
  return createGuard(guard.settings, (service) => {
    const key = printServiceKey(service);
    return rules.find(({ fits }) => fits(service.interface) || fits(key))?.settings ?? guard.settings;
  });
}

/** What of the configuration goes into the controller. */
export function controllerParts({
  naming,
  registries,
}: Pick<TrestleConfig, "naming" | "registries">): Pick<ControllerOptions, "guardOf" | "namesByRegistry"> {
  const known = new Map(registries.map((registry) => [registry.name, registry]));
  return {
    guardOf: (name) => {
      const registry = known.get(name);
      return registry === undefined ? createGuard() : guardOf(registry);
    },
    namesByRegistry: naming !== "trestle",
  };
}

/** The host of a service that a rule alone makes: that of a Dubbo service in the first registry. */
export function hostOfRule({
  naming,
  registries,
}: Pick<TrestleConfig, "naming" | "registries">): (service: ServiceKey) => string {
  const first = registries[0];
  const named = first === undefined ? undefined : namingOf(first, naming);
  return (service) => named?.({ service, endpoints: [] }).toLowerCase() ?? hostOf(service);
}

/** The form that ServiceEntries have. */
export function serviceEntryStyle({
  naming,
  registries,
}: Pick<TrestleConfig, "naming" | "registries">): ServiceEntryStyle {
  const schemes = new Map(registries.map(({ name, scheme }) => [name, scheme]));
  return { style: naming, schemeOf: (registry) => schemes.get(registry) ?? "" };
}

/** How a registry's services are called; undefined where that is as they call themselves. */
function namingOf({ scheme, query }: RegistryConfig, style: NamingStyle): Naming | undefined {
  // Kubernetes has names of its own, which everybody knows.
  if (style === "trestle" || scheme === "kubernetes") return undefined;
  const { group, namespace } = query;
  return createNaming(style, {
    scheme,
    ...(group !== undefined && !/[*,]/.test(group) && { group }),
    ...(namespace !== undefined && { namespace }),
  });
}

function shapeOf(registry: RegistryConfig, style: NamingStyle): ShapeOptions {
  const { name, scheme, shaping } = registry;
  const { include, exclude } = shaping.services;
  const naming = namingOf(registry, style);
  return {
    registry: name,
    ...(include !== undefined && { include }),
    exclude,
    rename: shaping.rename,
    ...(naming !== undefined && { naming, labels: styleLabels(style, scheme, name) }),
  };
}
