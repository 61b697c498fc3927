package table1

// Published is a row of Table 1 of Multi-Stage Residual Hiding for Image-into-Audio Steganography, for one of its columns.
type Published struct {
	ContainerMSE float64 `json:"containerMSE"`
	PSNR         float64 `json:"psnr"` // dB
	SSIM         float64 `json:"ssim"`
	MSSSIM       float64 `json:"msssim"`
}

// published are the rows, by system, and by the pictures that are hidden in TIMIT.
var published = map[string]map[string]Published{
	"deep-steg":  {"photos": {2.7669e-3, 31.40, .8624, .9576}, "faces": {2.2258e-3, 31.44, .8196, .9380}},
	"kreuk":      {"photos": {1.3495e-3, 33.68, .8893, .9671}, "faces": {9.8872e-4, 33.59, .8420, .9574}},
	"ditas-s":    {"photos": {1.2144e-3, 27.84, .8691, .9685}, "faces": {1.1033e-3, 28.05, .7682, .9340}},
	"ditas-m":    {"photos": {1.9249e-3, 37.09, .9444, .9925}, "faces": {2.1313e-3, 36.12, .8898, .9807}},
	"ditas-m-e":  {"photos": {9.3864e-4, 37.84, .9482, .9934}, "faces": {9.9386e-4, 36.52, .8906, .9847}},
	"ditas-m-d":  {"photos": {1.6904e-3, 38.42, .9581, .9935}, "faces": {1.7932e-3, 37.65, .9036, .9883}},
	"ditas-m-ed": {"photos": {9.8471e-4, 38.39, .9597, .9944}, "faces": {1.0582e-3, 37.69, .9054, .9900}},
}

// PublishedOf returns the row of a system for a kind of pictures, photos or faces, if there is one.
func PublishedOf(system, kind string) (p Published, ok bool) {
	p, ok = published[system][kind]
	return p, ok
}
