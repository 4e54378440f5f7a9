#ifndef GWSNIFF_CLIBPCAP_H
#define GWSNIFF_CLIBPCAP_H
#include <pcap/pcap.h>
#endif
