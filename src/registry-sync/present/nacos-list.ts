import { listOf, type NacosBody, textOf, wholeOf } from "../../codecs/nacos/body.ts";
import { DEFAULT_GROUP } from "../../codecs/nacos/service-info.ts";
import type { PresentContext } from "./context.ts";

/** One page of a list of names, as a registry has it. */
export interface NamePage {
  /** How many names there are on all pages. */
  readonly count: number;
  readonly names: readonly string[];
}

/** Which page is asked for; pages count from 1. */
export interface PageQuestion {
  readonly groupName: string;
  readonly pageNo: number;
  readonly pageSize: number;
}

/**
 * A page with the services of other registries behind the registry's own: what would stand on this page were they its last ones.
 * The same object where nothing is added.
 */
export function presentNamePage(page: NamePage, question: PageQuestion, context: PresentContext): NamePage {
  const group = question.groupName === "" || question.groupName === DEFAULT_GROUP ? "" : question.groupName;
  const own = new Set(page.names);
  const more = context.httpElsewhere
    .filter(({ service }) => service.group === group && !own.has(service.interface))
    .map(({ service }) => service.interface);
  if (more.length === 0) return page;
  const size = Math.max(1, question.pageSize);
  const start = (Math.max(1, question.pageNo) - 1) * size;
  const here = more.slice(Math.max(0, start - page.count), Math.max(0, start + size - page.count));
  return { count: page.count + more.length, names: [...page.names, ...here] };
}

/** The answer to a ServiceListRequest with the services of other registries in it; the same object where nothing is added. */
export function presentNacosList(said: NacosBody, asked: NacosBody, context: PresentContext): NacosBody {
  const names = listOf(said, "serviceNames").filter((name): name is string => typeof name === "string");
  const page = { count: Math.max(0, wholeOf(said, "count", 0)), names };
  const shown = presentNamePage(page, pageQuestion(asked), context);
  return shown === page ? said : { ...said, count: shown.count, serviceNames: shown.names };
}

/** Reads which page of which group a request asks for, as gRPC's body or a query of HTTP has it. */
export function pageQuestion(asked: NacosBody): PageQuestion {
  return {
    groupName: textOf(asked, "groupName"),
    pageNo: wholeOf(asked, "pageNo", 1),
    pageSize: Math.min(10_000, wholeOf(asked, "pageSize", 10)),
  };
}
