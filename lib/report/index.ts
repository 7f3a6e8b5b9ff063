/** `nnconv/report`: a network and what it does with an input, as one HTML page. */
export { report, type ReportOptions } from './report';
