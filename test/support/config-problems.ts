import { readConfig } from '../../src/config.ts';
import { ConfigError, type Environment } from '../../src/environment.ts';

/** All that an environment is refused for; none: it is not. */
export function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
