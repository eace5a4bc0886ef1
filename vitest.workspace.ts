import { defineConfig } from 'vitest/config'

const packages = ['core', 'http', 'bingx', 'coinw', 'exchange-sim', 'demo', 'simulator', 'bench']
const conditions = ['@headgate/source']

// vitest does not look for this file by itself: every script names it with --config.
export default defineConfig({
  test: {
    projects: packages.map(name => ({
      // Tests run against the sources; without the condition they would need a build first.
      resolve: { conditions },
      ssr: { resolve: { conditions } },
      test: {
        name,
        root: `packages/${name}`,
        include: ['test/**/*.{test,properties,model,simulation}.ts'],
        testTimeout: 60_000,
      },
    })),
  },
})
