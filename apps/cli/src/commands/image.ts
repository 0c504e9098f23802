import { firmwares, imageFormats } from '@argosy/domain/storage';
import { command, given } from '../command';
import { imageView } from '../output/inventory-views';
import { buildLinux } from '../build-image';
import { importImage } from '../import-image';
import { watchFlag } from './common-flags';

const image = { name: 'image', names: 'image' } as const;
const datastoreFlag = {
  type: 'text',
  names: 'datastore',
  summary: 'where it is kept (the only one, if there is one)',
} as const;
const leastMemory = { type: 'memory', summary: 'what a guest needs at least to boot it' } as const;

export const imageCommands = [
  command({
    path: 'image list',
    summary: 'list the images that guests can be made of',
    flags: { watch: watchFlag },
    run: async (session, { flags }) => {
      const read = () => session.api.list('image.list');
      if (flags.watch) return session.watch(imageView, ['image'], read);
      await session.printRows(imageView, await read());
      return 'done';
    },
  }),
  command({
    path: 'image show',
    summary: 'show an image',
    parameters: [image],
    run: async (session, { parameters }) => {
      await session.printRow(imageView, await session.api.call('image.get', { params: { id: parameters.image } }));
      return 'done';
    },
  }),
  command({
    path: 'image create',
    summary: 'make an image of files that are on a datastore already',
    parameters: [{ name: 'name' }],
    flags: {
      format: { type: 'text', choices: imageFormats, required: true, summary: 'what the file is' },
      kernel: { type: 'text', placeholder: 'path', summary: 'format kernel: the kernel' },
      initrd: { type: 'text', placeholder: 'path', summary: 'format kernel: its initial RAM disk' },
      arguments: { type: 'text', summary: "format kernel: the kernel's command line" },
      disk: { type: 'text', placeholder: 'path', summary: 'formats qcow2 and raw: the disk' },
      firmware: { type: 'text', choices: firmwares, summary: 'what boots the disk' },
      architecture: { type: 'text', summary: 'like x86_64 or aarch64' },
      'least-memory': leastMemory,
      datastore: datastoreFlag,
    },
    run: async (session, { parameters, flags }) => {
      const { kernel, initrd, arguments: kernelArguments, disk, firmware, architecture, datastore } = flags;
      const paths = given({ kernelPath: kernel, initrdPath: initrd, kernelArguments, diskPath: disk });
      const more = given({ firmware, architecture, datastore, minimumMemoryMiB: flags['least-memory'] });
      const row = await session.api.call('image.create', {
        body: { name: parameters.name, format: flags.format, ...paths, ...more },
      });
      session.printDone(imageView, row, `Image ${row.name} is made.`);
      return 'done';
    },
  }),
  command({
    path: 'image import',
    summary: 'check a qcow2 or raw disk, copy it to the datastore and make an image of it',
    parameters: [{ name: 'file' }],
    flags: {
      name: { type: 'text', summary: "the image's name (the file's, without its ending)" },
      firmware: { type: 'text', choices: ['bios', 'uefi'], summary: 'what boots it (bios)' },
      architecture: { type: 'text', summary: 'like x86_64 (the default) or aarch64' },
      'least-memory': leastMemory,
      datastore: datastoreFlag,
      upload: { type: 'flag', summary: 'through the controller, from a machine that does not reach the datastore' },
    },
    examples: [
      'image import debian-12-generic-amd64.qcow2 --name debian --least-memory 256M',
      'guest create web --image debian --cloud-init user-data.yaml --start',
    ],
    run: async (session, { parameters, flags }) => {
      const row = await importImage(session, parameters.file, {
        name: flags.name,
        firmware: flags.firmware ?? 'bios',
        architecture: flags.architecture,
        minimumMemoryMiB: flags['least-memory'],
        datastore: flags.datastore,
        upload: flags.upload,
      });
      session.printDone(
        imageView,
        row,
        `Image ${row.name} is made. Try it: argosy guest create <name> --image ${row.name} --start`,
      );
      return 'done';
    },
  }),
  command({
    path: 'image build linux',
    summary: "make the small Linux guest out of Debian's cloud kernel and busybox",
    flags: { name: { type: 'text', summary: "the image's name (linux)" }, datastore: datastoreFlag },
    run: async (session, { flags }) => {
      const row = await buildLinux(session, { name: flags.name ?? 'linux', datastore: flags.datastore });
      session.printDone(
        imageView,
        row,
        `Image ${row.name} is made. Try it: argosy guest create <name> --image ${row.name} --start`,
      );
      return 'done';
    },
  }),
  command({
    path: 'image delete',
    summary: 'remove an image that no guest uses; its files stay',
    parameters: [image],
    run: async (session, { parameters }) => {
      await session.confirm(parameters.image, `remove image ${parameters.image}`);
      await session.api.call('image.remove', { params: { id: parameters.image } });
      session.printGone('image', parameters.image, `Image ${parameters.image} is removed.`);
      return 'done';
    },
  }),
];
