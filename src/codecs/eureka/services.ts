import type { EurekaInstance } from "./instance.ts";

/** The names of the services that an instance is of: those it is looked up by, else its application's in lower case. */
export function serviceNamesOf({ vips, app }: Pick<EurekaInstance, "vips" | "app">): readonly string[] {
  return vips.length > 0 ? vips : [app.toLowerCase()];
}

/**
 * How a service is called whose instances spell its name in several cases: in lower case where one of them does, else by the
 * first in order. `name` is in lower case.
 */
export function spellingOf(name: string, instances: Iterable<Pick<EurekaInstance, "vips" | "app">>): string {
  let best: string | undefined;
  for (const instance of instances) {
    for (const spelled of serviceNamesOf(instance)) {
      if (spelled === name) return name;
      if (spelled.toLowerCase() === name && (best === undefined || spelled < best)) best = spelled;
    }
  }
  return best ?? name;
}
