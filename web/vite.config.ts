import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const OUT = '../src/tradewind/server/static';
const COMPRESSED = /\.(js|css|html|svg|json|webmanifest)$/;

/** The server sends what is compressed here, so that it never compresses anything while it answers. */
function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    closeBundle() {
      for (const name of readdirSync(OUT, { recursive: true, encoding: 'utf8' })) {
        const path = join(OUT, name);
        if (!COMPRESSED.test(name) || name === 'index.html' || !statSync(path).isFile()) continue;
        const content = readFileSync(path);
        const packed = gzipSync(content, { level: 9 });
        if (packed.length < content.length * 0.9) writeFileSync(`${path}.gz`, packed);
      }
    },
  };
}

export default defineConfig({
  // Relative to the document's base, which the server writes: the app works below any prefix.
  base: './',
  plugins: [react(), compress()],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    sourcemap: false,
    target: 'es2022',
    chunkSizeWarningLimit: 400,
    rollupOptions: {
      output: {
        // One file for what every page needs and seldom changes: it stays in the browser's cache over upgrades.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler|react-router)[\\/]/ },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      '/api': 'http://127.0.0.1:8000',
      '/login': 'http://127.0.0.1:8000',
    },
  },
  test: {
    include: ['src/**/*.test.ts'],
  },
} as Parameters<typeof defineConfig>[0]);
