export type { SummaryColumn } from './columns';
export type { SummaryLayer } from './layers';
export {
  summary,
  Summary,
  type SummaryOptions,
  type SummaryRowSetting,
  type SummaryTotals,
} from './summary';
