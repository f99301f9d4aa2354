import { createHash } from "node:crypto";
import type { ManualClock } from "../../src/base/clock.ts";

/** The part of Nacos 2.3.2 that Trestle asks, as it was seen to answer, without a socket: its `fetch` stands in for the real one. */
export class FakeNacos {
  /** Each request: `GET /nacos/v1/cs/configs a:b`, with `held` for a listener that may wait. */
  readonly asked: string[] = [];
  /** The last request's headers. */
  headers: Headers = new Headers();
  /** Refuses connections while false. */
  isUp = true;
  /** With one, only who logged in is answered. */
  user: { readonly name: string; readonly password: string } | undefined;
  token = "";
  /** Answers every listener with this text. */
  changedText: string | undefined;
  readonly #clock: ManualClock;
  readonly #texts = new Map<string, string>();
  readonly #held = new Set<() => void>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** Publishes a configuration, or (undefined) deletes it. */
  put(dataId: string, text: string | undefined, tenant = "", group = "dubbo"): void {
    const key = `${tenant}/${group}/${dataId}`;
    if (text === undefined) this.#texts.delete(key);
    else this.#texts.set(key, text);
    for (const wake of [...this.#held]) wake();
  }

  /** Ends every connection; none is taken from now on. */
  kill(): void {
    this.isUp = false;
    for (const wake of [...this.#held]) wake();
  }

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const url = new URL(String(input));
    this.headers = new Headers(init.headers);
    const form = new URLSearchParams(String(init.body ?? ""));
    if (url.pathname.endsWith("/configs/listener")) return this.#listen(url, form, init.signal!);
    this.asked.push(`${init.method} ${url.pathname} ${url.searchParams.get("dataId") ?? ""}`.trim());
    this.#mustBeUp();
    if (url.pathname.endsWith("/auth/login")) return this.#logIn(form);
    const denied = this.#denied();
    if (denied !== undefined) return denied;
    const { dataId, group = "dubbo", tenant = "" } = Object.fromEntries(url.searchParams);
    const text = this.#texts.get(`${tenant}/${group}/${dataId}`);
    if (text === undefined) return new Response("config data not exist", { status: 404 });
    return new Response(text, { headers: { "content-md5": md5(text) } });
  };

  #mustBeUp(): void {
    if (!this.isUp) throw new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } });
  }

  #denied(): Response | undefined {
    if (this.user === undefined || this.headers.get("authorization") === `Bearer ${this.token}`) return undefined;
    return new Response("{}", { status: 403 });
  }

  #logIn(form: URLSearchParams): Response {
    const { name, password } = this.user ?? {};
    if (form.get("username") !== name || form.get("password") !== password)
      return new Response("unknown user!", { status: 403 });
    this.token = `token${this.asked.length}`;
    return Response.json({ accessToken: this.token, tokenTtl: 100 });
  }

  async #listen(url: URL, form: URLSearchParams, signal: AbortSignal): Promise<Response> {
    const isHeld = this.headers.get("long-pulling-timeout-no-hangup") !== "true";
    const list = (form.get("Listening-Configs") ?? "").split("\u0001").filter((line) => line !== "");
    this.asked.push(`POST ${url.pathname} ${list.length}${isHeld ? " held" : ""}`);
    this.#mustBeUp();
    const denied = this.#denied();
    if (denied !== undefined) return denied;
    const changed = () =>
      list.filter((line) => {
        const [dataId, group, said, tenant = ""] = line.split("\u0002");
        const text = this.#texts.get(`${tenant}/${group}/${dataId}`);
        return said !== (text === undefined ? "" : md5(text));
      });
    const untilMs = this.#clock.now() + Number(this.headers.get("long-pulling-timeout")) - 500;
    while (this.changedText === undefined && changed().length === 0 && isHeld && this.#clock.now() < untilMs) {
      await this.#change(untilMs, signal);
      this.#mustBeUp();
    }
    const lines = changed().map((line) => {
      const [dataId, group, , ...tenant] = line.split("\u0002");
      return encodeURIComponent([dataId, group, ...tenant].join("\u0002") + "\u0001");
    });
    return new Response(this.changedText ?? lines.join(""));
  }

  async #change(untilMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const timer = this.#clock.after(untilMs - this.#clock.now(), () => wake());
      const forget = () => {
        timer.cancel();
        this.#held.delete(wake);
        signal.removeEventListener("abort", onAbort);
      };
      const wake = () => {
        forget();
        resolve();
      };
      const onAbort = () => {
        forget();
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#held.add(wake);
    });
  }
}

/** Lets everything run that waits for nothing but other promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
