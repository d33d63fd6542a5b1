// An upstream in a process of its own, which says its port. Stopped by a signal it is like one that is dead, and costs nothing:
// what is sent to it fills its socket, and then is lost.

import { createSocket } from 'node:dgram';
import packet from 'dns-packet';

const socket = createSocket('udp4');
process.on('disconnect', () => process.exit(0));
socket.on('message', (message, sender) => {
  const { id = 0, questions = [] } = packet.decode(message);
  const answers = questions.map(({ name }): packet.Answer => ({ type: 'A', name, ttl: 60, data: '192.0.2.1' }));
  socket.send(packet.encode({ type: 'response', id, questions, answers }), sender.port, sender.address);
});
socket.bind(0, '127.0.0.1', () => process.send?.(socket.address().port));
