export { Explanation, Profile, type StepExplanation } from './explain';
export { compile, type CompileOptions, Session } from './session';
