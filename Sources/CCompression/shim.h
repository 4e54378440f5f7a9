#ifndef GWSNIFF_CCOMPRESSION_H
#define GWSNIFF_CCOMPRESSION_H
#include <zlib.h>
#include <zstd.h>
#include <lz4frame.h>
#endif
