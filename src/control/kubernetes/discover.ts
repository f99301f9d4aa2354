import { ApiFailure, type KubernetesApi } from "../../kubernetes/api.ts";
import { nameOfResource, readGroups, readResources, type ServedResource } from "./kinds.ts";

/** The kinds of rules that a server has now, by {@link nameOfResource}, each in the best of the versions that it has. */
export async function discover(
  api: Pick<KubernetesApi, "get">,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ServedResource>> {
  const found = new Map<string, ServedResource>();
  for (const [group, versions] of readGroups(await api.get("/apis", signal))) {
    for (const version of versions) {
      for (const one of readResources(group, version, await resourcesOf(api, group, version, signal))) {
        const name = nameOfResource(one);
        if (!found.has(name)) found.set(name, one);
      }
    }
  }
  return found;
}

/** A group may go between the two questions. */
async function resourcesOf(
  api: Pick<KubernetesApi, "get">,
  group: string,
  version: string,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return await api.get(`/apis/${group}/${version}`, signal);
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return undefined;
    throw error;
  }
}
