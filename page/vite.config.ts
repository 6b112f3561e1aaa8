import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const OUT = '../src/cacre/resources/page';

/** Every file that the build depends on; tests/service/test_review_page.py hashes the same ones in the same way. */
function sources(): string[] {
  const folders = ['src', 'public'].flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`));
  return [...folders, 'index.html', 'package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts'].sort();
}

/** Writes what the build was made of beside it, so that a stale build shows. */
function sourcesHash(): Plugin {
  return {
    name: 'sources-hash',
    writeBundle() {
      const hash = createHash('sha256');
      for (const name of sources()) hash.update(`${name}\0`).update(readFileSync(name)).update('\0');
      writeFileSync(join(OUT, 'sources.sha256'), `${hash.digest('hex')}\n`);
    },
  };
}

export default defineConfig({
  base: '/page/',
  plugins: [sourcesHash()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 700,
    license: { fileName: 'licences.txt' },
    rolldownOptions: {
      output: {
        entryFileNames: 'app.js',
        chunkFileNames: '[name].js',
        assetFileNames: 'app[extname]',
      },
    },
  },
});
