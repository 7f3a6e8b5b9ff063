import { cases } from '../support/fixtures';
import { testParity } from '../support/parity';
import { isTransposed } from '../support/spec';

testParity(cases.filter((c) => isTransposed(c.layer)));
