export type { Explanation, Profile, StepExplanation } from './explain';
export { compile, type CompileOptions, type Session } from './session';
