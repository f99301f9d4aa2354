import { ApiFailure, type KubernetesApi } from "./api.ts";

const UNAUTHORIZED = 401;

/**
 * A way to an API server that is opened anew after it was answered 401: kubeconfigs, certificates and tokens in files are replaced while
 * programs run. The first answer opens it; a failed opening is told to who asked, and tried again for the next one.
 */
export function renewingApi(open: () => Promise<KubernetesApi>): KubernetesApi {
  let opened: Promise<KubernetesApi> | undefined;
  const current = async (): Promise<KubernetesApi> => {
    const mine = opened ?? open();
    opened = mine;
    try {
      return await mine;
    } catch (error) {
      if (opened === mine) opened = undefined;
      throw error;
    }
  };
  const renew = (error: unknown): void => {
    if (error instanceof ApiFailure && error.status === UNAUTHORIZED) opened = undefined;
  };
  const once = async <T>(ask: (api: KubernetesApi) => Promise<T>): Promise<T> => {
    const api = await current();
    try {
      return await ask(api);
    } catch (error) {
      renew(error);
      throw error;
    }
  };
  return {
    get: (path, signal) => once((api) => api.get(path, signal)),
    send: (method, path, body, signal) => once((api) => api.send(method, path, body, signal)),
    async *lines(path, signal) {
      const api = await current();
      try {
        yield* api.lines(path, signal);
      } catch (error) {
        renew(error);
        throw error;
      }
    },
  };
}
