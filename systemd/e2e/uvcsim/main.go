// Uvcsim is a USB camera in user space. It plugs itself into vhci_hcd, the
// virtual host controller of USB/IP, where the kernel's own uvcvideo binds to
// it: the /dev/videoN, its modes, its faults and its unplugging are the
// driver's, only the silicon is not there.
//
//	uvcsim [-serial S] [-port N]
//
// It is a camera of YUYV (BT.601, limited range) and Motion JPEG (4:2:2), four
// sizes up to 1280x720, with a brightness control. The picture is eight colour
// bars below its own number in 16 black and white blocks. Commands are read
// from standard input, see the file command.go. Ending the process is pulling
// the plug.
package main

import (
	"flag"
	"log"
	"os"
)

func main() {
	serial := flag.String("serial", "0001", "USB serial number")
	port := flag.Int("port", -1, "port of vhci_hcd, -1 for the first free one")
	flag.Parse()
	log.SetFlags(log.Lmicroseconds)
	link, at, err := plug(*port)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("plugged into port %d, serial %s", at, *serial)
	c := newCamera(*serial, link.restart)
	go c.stream(link)
	go c.obey(os.Stdin)
	log.Fatal("unplugged: ", link.serve(c.control))
}
