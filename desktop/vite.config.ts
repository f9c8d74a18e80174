// How the web application is built and served while it is developed.
import { defineConfig } from 'vitest/config';

// While developing, requests to the engine go to a running engine or to the mock (npm run mock).
const engine = process.env['HOTLINE_URL'] ?? 'http://127.0.0.1:8090';

export default defineConfig({
  esbuild: { jsx: 'automatic' },
  build: {
    target: 'es2022',
    // The page is served under a strict Content-Security-Policy: no data: scripts, no inline module preload.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      onwarn: (warning, tell) => {
        // Ant Design marks its files for server rendering; here it means nothing.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') tell(warning);
      },
    },
  },
  server: { proxy: { '/api': { target: engine, ws: true }, '/healthz': engine } },
  test: { include: ['test/**/*.test.{ts,tsx}'], environment: 'node' },
});
