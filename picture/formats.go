package picture

import (
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"ditas/picture/internal/heif"
)

// What is read, and how.
var (
	pngFormat = &format{name: "PNG", config: png.DecodeConfig, decode: png.Decode, convert: FromImage,
		exif: pngExif, profile: pngColours, plain: pngPlain, more: pngFrames}
	jpegFormat = &format{name: "JPEG", config: jpeg.DecodeConfig, decode: jpeg.Decode, convert: FromImage,
		exif: jpegExif, profile: icc(jpegProfile), refuse: jpegScans, limits: jpegLimits, end: "\xff\xd9", more: jpegPictures}
	gifFormat  = &format{name: "GIF", config: gif.DecodeConfig, decode: gif.Decode, convert: FromImage, more: gifFrames}
	webpFormat = &format{name: "WebP", whole: readWebP, exif: webpExif}
	stillWebP  = &format{name: "WebP", config: webp.DecodeConfig, decode: webp.Decode, convert: fromWebP,
		exif: webpExif, profile: icc(webpProfile)}
	heicFormat = &format{name: "HEIC", whole: readHEIF, exif: heif.Exif}
	avifFormat = &format{name: "AVIF", whole: readHEIF, exif: heif.Exif}
	bmpFormat  = &format{name: "BMP", config: bmp.DecodeConfig, decode: bmp.Decode, convert: FromImage, refuse: bmpLimits}
	tiffFormat = &format{name: "TIFF", config: tiff.DecodeConfig, decode: tiff.Decode, convert: FromImage,
		exif: func(data []byte) []byte { return data }, profile: icc(tiffProfile), page: tiffPage, refuse: tiffLimits, more: tiffPages}
)
