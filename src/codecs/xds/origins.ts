/** Which rules resources were made of that do not say it themselves: kept beside them, so that it is not sent to anybody. */
import type { RouteOrigin } from "./route.ts";

const origins = new WeakMap<object, RouteOrigin>();

/** Says of what rule a resource was made. */
export function noteOrigin(resource: object, origin: RouteOrigin | undefined): void {
  if (origin !== undefined) origins.set(resource, origin);
}

/** The rule that a resource was made of, where somebody said so. */
export function originOf(resource: object): RouteOrigin | undefined {
  return origins.get(resource);
}
