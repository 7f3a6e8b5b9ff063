/**
 * Of torch.nn.utils.
 *
 * Follows https://docs.pytorch.org/docs/stable/nn.html#utilities
 */
import { argTypeError, show } from '../errors';
import { skipDrawing } from '../random';

/**
 * What `build` returns, whose weights are not drawn but left at zero: for models that get theirs
 * from `loadStateDict` at once, in less time and memory. Functions of `nn.init` that draw random
 * numbers do nothing meanwhile, those that write constants do. `build` must not be asynchronous.
 *
 * `const model = nn.utils.skipInit(() => models.vgg11());`
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.skip_init.html, which takes
 * a class and its arguments.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE unless `build` is a function; what `build` throws
 */
export function skipInit<T>(build: () => T): T {
  if (typeof build !== 'function') {
    throw argTypeError(`build must be a function, got ${show(build)}`);
  }
  return skipDrawing(build);
}
